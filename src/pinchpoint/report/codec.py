"""Frozen nouns to JSON and back, directed by their type hints; the round trip is exact."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import accumulate, chain, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PLAIN = (str, int, bool, types.NoneType)


@dataclass(frozen=True, slots=True)
class Codec:
    """How one type becomes JSON and comes back."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@cache
def codec(hint: Any) -> Codec:
    """Find the codec of a type.

    Dataclasses become objects, tuples become arrays, and a tuple of NamedTuples becomes a
    table: one array for each field, which is an order of magnitude smaller than objects.

    Args:
        hint: A type as `typing.get_type_hints` resolves it.

    Raises:
        TypeError: A type that no noun uses so far.
    """
    if hint in _PLAIN:
        return Codec(_same, _same)
    if hint is float:
        return Codec(_same, float)
    if hint is Path:
        return Codec(str, Path)
    if is_dataclass(hint):
        return _object(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Codec(lambda member: member.value, hint)
    return _generic(hint)


def _same(value: Any) -> Any:
    return value


def _object(noun: Any) -> Codec:
    hints = get_type_hints(noun)
    members = {field.name: codec(hints[field.name]) for field in fields(noun)}
    return Codec(
        lambda value: {
            name: member.encode(getattr(value, name)) for name, member in members.items()
        },
        # A field that is younger than the file keeps its default.
        lambda data: noun(
            **{name: member.decode(data[name]) for name, member in members.items() if name in data}
        ),
    )


def _generic(hint: Any) -> Codec:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Mapping:
        return _mapping(*map(codec, arguments))
    if origin is types.UnionType and types.NoneType in arguments:
        (inner,) = (codec(argument) for argument in arguments if argument is not types.NoneType)
        return Codec(_unless_none(inner.encode), _unless_none(inner.decode))
    if origin is tuple and arguments[-1] is Ellipsis:
        return _table(arguments[0]) if _is_row(arguments[0]) else _array(codec(arguments[0]))
    if origin is tuple:
        return _fixed(tuple(map(codec, arguments)))
    raise TypeError(f"no JSON form for {hint}")


def _mapping(key: Codec, value: Codec) -> Codec:
    return Codec(
        lambda items: {key.encode(name): value.encode(item) for name, item in items.items()},
        lambda items: {key.decode(name): value.decode(item) for name, item in items.items()},
    )


def _unless_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _array(item: Codec) -> Codec:
    return Codec(
        lambda values: [item.encode(value) for value in values],
        lambda values: tuple(item.decode(value) for value in values),
    )


def _fixed(items: tuple[Codec, ...]) -> Codec:
    return Codec(
        lambda values: [item.encode(value) for item, value in zip(items, values, strict=True)],
        lambda values: tuple(item.decode(value) for item, value in zip(items, values, strict=True)),
    )


def _is_row(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple)


def _table(row: Any) -> Codec:
    hints = get_type_hints(row)
    columns = [_column(hints[name]) for name in row._fields]

    def encode(rows: Sequence[Any]) -> list[Any]:
        return [
            column.encode(list(map(itemgetter(index), rows)))
            for index, column in enumerate(columns)
        ]

    def decode(data: Sequence[Any]) -> tuple[Any, ...]:
        decoded = (column.decode(values) for column, values in zip(columns, data, strict=True))
        return tuple(map(row._make, zip(*decoded, strict=True)))

    return Codec(encode, decode)


def _column(hint: Any) -> Codec:
    arguments = get_args(hint)
    if arguments and _is_row(arguments[0]):
        return _nested(_table(arguments[0]))
    if hint is int:
        # Times follow each other closely: differences are short, and gzip likes them.
        return Codec(_differences, lambda steps: list(accumulate(steps)))
    if isinstance(hint, type) and issubclass(hint, str):
        return _words(codec(hint))
    return _array(codec(hint))


def _differences(values: Sequence[int]) -> list[int]:
    return [value - before for value, before in zip(values, (0, *values), strict=False)]


def _words(word: Codec) -> Codec:
    """A column of few different words: each once, then their numbers."""

    def encode(values: Iterable[Any]) -> dict[str, Any]:
        numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
        return {"words": list(map(word.encode, numbers)), "rows": [numbers[v] for v in values]}

    def decode(data: Mapping[str, Any]) -> list[Any]:
        words = list(map(word.decode, data["words"]))
        return [words[number] for number in data["rows"]]

    return Codec(encode, decode)


def _nested(table: Codec) -> Codec:
    """A column whose values are tables: all in one, and how long each was."""

    def encode(values: Sequence[Sequence[Any]]) -> dict[str, Any]:
        rows = list(chain.from_iterable(values))
        return {"lengths": list(map(len, values)), "table": table.encode(rows)}

    def decode(data: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        rows = iter(table.decode(data["table"]))
        return [tuple(islice(rows, length)) for length in data["lengths"]]

    return Codec(encode, decode)
