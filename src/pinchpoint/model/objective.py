"""What the application has to keep: a service level objective, and whether it does."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from pinchpoint.errors import UsageError

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
EXAMPLE = 'Write it like "p99<500ms,errors<1%".'

_QUANTILE = re.compile(r"p(\d+(?:\.\d+)?)|p\((\d+(?:\.\d+)?)\)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(\D*)")
_ERRORS = ("errors", "error_rate")
_USUAL = ("p50", "p90", "p95", "p99", "p99.9", *_ERRORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLimit:
    """A quantile of the response time stays below a limit.

    Attributes:
        quantile_ratio: 0.99 for p99.
        limit_s: Of the response time, from the intended start.
    """

    quantile_ratio: float
    limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Limits that hold together.

    Attributes:
        text: As it was typed.
        limits: Of response times.
        most_errors_ratio: Of the requests; 1 for any.
    """

    text: str
    limits: tuple[ResponseLimit, ...] = ()
    most_errors_ratio: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveResult:
    """How far an objective is met.

    Attributes:
        objective: As it was typed.
        is_met: At the rate that was asked for; without one, at any rate that was tried.
        rate_rps: The highest rate at which the median trial meets it, or the one that was
            asked for; 0 if there is none.
        low_rps: The lowest rate of the staircase's last half; the rate itself if it was asked for.
        high_rps: The highest one.
        trials: Steps that it was judged by.
        met_trials: Those that met it.
    """

    objective: str
    is_met: bool
    rate_rps: float
    low_rps: float
    high_rps: float
    trials: int
    met_trials: int


def parse_objective(text: str) -> Objective:
    """Read an objective such as `p99<500ms,errors<1%`; `p(99)<0.5s` is understood too.

    Raises:
        UsageError: The message says which part cannot be read, and what was meant.
    """
    limits: list[ResponseLimit] = []
    errors: list[float] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, limit = _split(part)
        if quantile := _QUANTILE.fullmatch(name):
            share = float(quantile[1] or quantile[2]) / 100
            limits.append(
                ResponseLimit(quantile_ratio=_between(share, part), limit_s=_time_s(limit, part))
            )
        elif name in _ERRORS:
            errors.append(_share(limit, part))
        else:
            raise UsageError(f"--slo knows no '{name}'{_meant(name)}", EXAMPLE)
    if not limits and not errors:
        raise UsageError("--slo names no limit", EXAMPLE)
    return Objective(text=text, limits=tuple(limits), most_errors_ratio=min(errors, default=1.0))


def _split(part: str) -> tuple[str, str]:
    name, sign, limit = re.split(r"(<=|<)|$", part, maxsplit=1)
    if not sign:
        raise UsageError(f"--slo: '{part}' has no '<'", EXAMPLE)
    return name.strip().lower(), limit.strip()


def _between(share: float, part: str) -> float:
    if not 0 < share < 1:
        raise UsageError(f"--slo: '{part}' is no quantile between p0 and p100", EXAMPLE)
    return share


def _time_s(limit: str, part: str) -> float:
    number = _NUMBER.fullmatch(limit)
    if not number or number[2] not in UNITS_S or not float(number[1]):
        raise UsageError(f"--slo: '{part}' needs a time above 0 with us, ms or s", EXAMPLE)
    return float(number[1]) * UNITS_S[number[2]]


def _share(limit: str, part: str) -> float:
    number = _NUMBER.fullmatch(limit)
    share = float(number[1]) / (100 if number[2] == "%" else 1) if number else 2.0
    if not number or number[2] not in {"", "%"} or share > 1:
        raise UsageError(f"--slo: '{part}' needs a share from 0 to 100%", EXAMPLE)
    return share


def _meant(name: str) -> str:
    near = difflib.get_close_matches(name, _USUAL, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
