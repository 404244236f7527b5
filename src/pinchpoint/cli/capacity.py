"""Options for how much load: an objective, a rate, a limit of time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from pinchpoint.model.objective import Objective, parse_objective

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


class Slo(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.3
    """An objective; in [tool.pinchpoint] a list of its parts will do."""

    name = "objective"

    def convert(
        self,
        value: str | Sequence[str] | Objective,
        param: click.Parameter | None,  # noqa: ARG002  # what click passes
        ctx: click.Context | None,  # noqa: ARG002  # as above
    ) -> Objective:
        """Read it.

        Raises:
            UsageError: It says what cannot be read.
        """
        if isinstance(value, Objective):
            return value
        return parse_objective(value if isinstance(value, str) else ",".join(value))


class Duration(click.ParamType):  # type: ignore[type-arg]  # as above
    """Seconds, or a number with its unit, such as 90s or 2m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it as seconds."""
        number = _DURATION.fullmatch(str(value).strip().lower())
        if not number or number[2] not in UNITS_S:
            self.fail(f"{value!r} is no duration; write it like 90s or 2m", param, ctx)
        return float(number[1]) * UNITS_S[number[2]]
