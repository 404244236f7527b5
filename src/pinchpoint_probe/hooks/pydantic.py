"""pydantic: dumping models and type adapters. Short dumps stay the caller's: they come in loops."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch_models(module: "ModuleType") -> None:
    is_first = not hasattr(module.BaseModel, "model_dump")  # pydantic 1
    for name in ("dict", "json") if is_first else ("model_dump", "model_dump_json"):
        wrapping.around_noticeable(module.BaseModel, name, wire.SERIALIZE, f"pydantic {name}")


def _patch_adapters(module: "ModuleType") -> None:
    for name in ("dump_python", "dump_json"):
        wrapping.around_noticeable(module.TypeAdapter, name, wire.SERIALIZE, f"pydantic {name}")


PATCHES = {"pydantic.main": _patch_models, "pydantic.type_adapter": _patch_adapters}
