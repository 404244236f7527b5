"""What a reviewer of the nouns would have to remember."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from enum import Enum

import pytest

import pinchpoint.model

UNITS = ("_s", "_ns", "_rps", "_bytes", "_ratio", "_rows")
MODULES = [
    importlib.import_module(f"pinchpoint.model.{module.name}")
    for module in pkgutil.iter_modules(pinchpoint.model.__path__)
]
CLASSES = [
    cls
    for module in MODULES
    for _, cls in inspect.getmembers(module, inspect.isclass)
    if cls.__module__ == module.__name__
]
WITHOUT_UNIT = {"value", "weight", "ratio", "baseline", "changed", "kept_rows"}
"""Floats whose unit stands beside them (Evidence.unit, Effect.metric) or that have none."""


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_nouns_are_frozen_and_documented(cls: type) -> None:
    assert inspect.getdoc(cls)
    if dataclasses.is_dataclass(cls):
        parameters = cls.__dataclass_params__
        assert parameters.frozen
    else:
        assert issubclass(cls, Enum | tuple) or getattr(cls, "_is_protocol", False)


@pytest.mark.parametrize(
    "cls", [cls for cls in CLASSES if dataclasses.is_dataclass(cls)], ids=lambda cls: cls.__name__
)
def test_a_number_that_is_not_a_count_has_its_unit_in_its_name(cls: type) -> None:
    floats = [field.name for field in dataclasses.fields(cls) if field.type == "float"]
    assert [name for name in floats if not name.endswith(UNITS) and name not in WITHOUT_UNIT] == []
