"""Headers that the user wants to be sent: what they may be, and how their values stay secret."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import click

from pinchpoint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OPTION = "--header"
OWN = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
        "x-pinchpoint",
    )
)
"""What the load engine sets itself, or cannot do."""
_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*([!-~](?:[\t -~]*[!-~])?)")
"""A field name of RFC 9110, and a value of visible ASCII."""
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Header(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.3
    """`Name: value`; in an environment variable one a line."""

    name = "'NAME: VALUE'"
    envvar_list_splitter = "\n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split a header; messages do not repeat its value."""
        found = _LINE.fullmatch(str(value).strip())
        if found is None:
            self.fail("'Name: value' is expected, of printable ASCII", param, ctx)
        if found[1].lower() in OWN:
            self.fail(f"{found[1]} is set by pinchpoint itself", param, ctx)
        return found[1], found[2]


def header_lines(table: object) -> list[str]:
    """Headers of the project's table, with $NAME taken from the environment.

    Raises:
        UsageError: It is no table of texts, or a variable is not set.
    """
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise UsageError(
            "[tool.pinchpoint] headers: a table of texts is expected",
            'Such as headers = { Authorization = "Bearer $TOKEN" }.',
        )
    return [f"{name}: {_VARIABLE.sub(_expanded, text)}" for name, text in table.items()]


def _expanded(reference: re.Match[str]) -> str:
    name = reference[1] or reference[2]
    if name not in os.environ:
        raise UsageError(f"[tool.pinchpoint] headers: the variable {name} is not set")
    return os.environ[name]


def without_values(words: Sequence[str]) -> Iterator[str]:
    """A command line with the values of its headers masked."""
    for before, word in zip(("", *words), words, strict=False):
        option, is_joined, line = word.partition("=")
        if before == OPTION:
            yield f"'{word.partition(':')[0]}: ***'"
        elif option == OPTION and is_joined:
            yield f"{OPTION}='{line.partition(':')[0]}: ***'"
        else:
            yield word
