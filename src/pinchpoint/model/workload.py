"""What is offered to the application: routes, requests and when they start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that a route takes.

    Attributes:
        name: As the route spells it.
        kind: `int`, `str`, `uuid`, `path`, `float`, `bool` or another converter's name.
        location: `path` or `query`.
        is_required: False where the application has a default.
        examples: Values that a description gives, the best first; empty if none.
    """

    name: str
    kind: str = "str"
    location: str = "path"
    is_required: bool = True
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An entry of the application's route table.

    Attributes:
        method: `GET`, `POST` ...
        path: Template with braces, such as `/users/{id}`.
        handler: `module.function` that answers.
        parameters: In the path and in the query.
        needs_login: The application says so itself.
    """

    method: str
    path: str
    handler: str = ""
    parameters: tuple[Parameter, ...] = ()
    needs_login: bool = False

    @property
    def endpoint(self) -> str:
        """The name that all stages use for it: `GET /users/{id}`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    """All routes of an application."""

    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedRoute:
    """A route that gets no load, and why."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """One endpoint of the workload.

    Attributes:
        endpoint: `GET /users/{id}`.
        paths: Concrete request targets with query, chosen at random for each request.
        headers: Additional request headers.
        weight: Share of the mix, in any unit; 0 if only journeys use it.
        path_weights: How often each path is chosen, in any unit; empty if all alike.
        bodies: What is sent along, one for each path; empty if nothing is.
        origin: Where the values in the paths come from, for the reader; empty if there are none.
    """

    endpoint: str
    paths: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()
    weight: float = 1.0
    path_weights: tuple[float, ...] = ()
    bodies: tuple[str, ...] = ()
    origin: str = ""


class CaptureSource(StrEnum):
    """The part of an answer that a value is taken from."""

    JSON = "json"
    HEADER = "header"
    COOKIE = "cookie"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A value that a journey takes from an answer, for the requests that follow.

    Attributes:
        name: Written `{{name}}` where later paths, headers and bodies use it.
        source: Where it is.
        expression: A JSON pointer (RFC 6901), the name of a header or cookie, or, for TEXT, a
            regular expression with one group.
    """

    name: str
    source: CaptureSource
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStep:
    """One request of a journey.

    Attributes:
        template: Index in the workload's templates.
        think_time_s: Pause before it, from the end of the answer before.
        captures: Taken from its answer.
    """

    template: int
    think_time_s: float = 0.0
    captures: tuple[Capture, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What one virtual client does, in order, with its own cookies.

    Attributes:
        name: For the reader.
        steps: At least one.
        weight: Share of the arrivals, in the unit of the templates' weights.
    """

    name: str
    steps: tuple[JourneyStep, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The mix of requests that is offered.

    Attributes:
        templates: At least one.
        journeys: Sequences of requests; their first request is an arrival, the others follow.
        seed: Makes the order of endpoints and paths repeatable.
        pulse: Arrivals in each second of a recorded minute, over their mean, which open-loop
            steps follow; empty where they keep one rate.
        assumptions: What was guessed about real traffic, one sentence each.
    """

    templates: tuple[RequestTemplate, ...]
    journeys: tuple[Journey, ...] = ()
    seed: int = 1
    pulse: tuple[float, ...] = ()
    assumptions: tuple[str, ...] = ()


class ArrivalProcess(StrEnum):
    """How arrivals are spread over time."""

    POISSON = "poisson"
    CONSTANT = "constant"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """An open-loop schedule: arrivals do not wait for responses.

    Attributes:
        rate_rps: The mean over the duration.
        duration_s: For how long they come.
        process: How they are spread; Poisson and constant follow the profile, if there is one.
        seed: Of the Poisson process.
        starts_s: RECORDED only: seconds from the start of the step, in any order.
        profile: Corners (second, requests/s) of a rate that changes: straight lines between
            them, a jump where two have the same second. Empty if the rate stays the same.
    """

    rate_rps: float
    duration_s: float
    process: ArrivalProcess = ArrivalProcess.POISSON
    seed: int = 1
    starts_s: tuple[float, ...] = ()
    profile: tuple[tuple[float, float], ...] = ()

    @classmethod
    def recorded(cls, starts_s: Sequence[float], duration_s: float) -> Self:
        """Arrivals as they once came, such as those of an access log.

        Args:
            starts_s: Seconds from the start of the step; those outside of it are left out.
            duration_s: Above 0.
        """
        kept = tuple(start_s for start_s in starts_s if 0 <= start_s < duration_s)
        return cls(
            rate_rps=len(kept) / duration_s,
            duration_s=duration_s,
            process=ArrivalProcess.RECORDED,
            starts_s=kept,
        )

    @classmethod
    def following(
        cls,
        profile: Sequence[tuple[float, float]],
        process: ArrivalProcess = ArrivalProcess.POISSON,
        seed: int = 1,
    ) -> Self:
        """Arrivals whose rate changes: ramps, steps, or both.

        Args:
            profile: Corners as in the attribute: at least two, the first at second 0, the
                seconds ascending.
            process: POISSON or CONSTANT.
            seed: Of the Poisson process.
        """
        duration_s = profile[-1][0]
        requests = sum(
            (end_s - begin_s) * (begin_rps + end_rps) / 2
            for (begin_s, begin_rps), (end_s, end_rps) in pairwise(profile)
        )
        return cls(
            rate_rps=requests / duration_s,
            duration_s=duration_s,
            process=process,
            seed=seed,
            profile=tuple(profile),
        )
