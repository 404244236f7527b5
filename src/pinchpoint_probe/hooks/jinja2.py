"""Jinja: rendering a template, with the templates that it includes."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(environment: "ModuleType") -> None:
    wrapping.around(environment.Template, "render", wire.TEMPLATE, _name)
    wrapping.around_awaited(environment.Template, "render_async", wire.TEMPLATE)


def _name(template: "Any", *_: "Any", **__: "Any") -> str:
    return str(template.name or "")


PATCHES = {"jinja2.environment": _patch}
