"""Django REST framework: from objects to plain values, and from those to JSON.

A serializer runs the application's code and its lazy queries, which have spans of their own.
"""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch_serializers(module: "ModuleType") -> None:
    for cls in (module.Serializer, module.ListSerializer):
        wrapping.around(cls, "to_representation", wire.SERIALIZE, _name)


def _name(serializer: "Any", *_: "Any") -> str:
    return type(getattr(serializer, "child", serializer)).__name__


def _patch_renderers(module: "ModuleType") -> None:
    wrapping.around(module.JSONRenderer, "render", wire.SERIALIZE)
    for cls in (module.TemplateHTMLRenderer, module.BrowsableAPIRenderer):
        wrapping.around(cls, "render", wire.TEMPLATE)


PATCHES = {
    "rest_framework.serializers": _patch_serializers,
    "rest_framework.renderers": _patch_renderers,
}
