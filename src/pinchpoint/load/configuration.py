"""What an engine process is told before its first step, and the message that carries it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pinchpoint.errors import UsageError
from pinchpoint.load.message import PLACE
from pinchpoint.model.workload import (
    ArrivalProcess,
    Arrivals,
    Capture,
    CaptureSource,
    Journey,
    JourneyStep,
    RequestTemplate,
    Workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.load.wire import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Where an engine process sends what, and how.

    Attributes:
        workload: The mix, of which it takes a share.
        base_url: Such as `https://127.0.0.1:8000`.
        address: Of the socket, as the name was resolved.
        timeout_s: Of each request, from its intended start.
        most_connections: Requests beyond them wait.
        verifies_tls: Refuse a certificate that is not valid for the host.
        is_spinning: Keep a CPU busy to be on time.
        index: Which share of the schedule it takes, from 0.
        count: How many shares there are.
    """

    workload: Workload
    base_url: str
    address: tuple[str, int] | tuple[str, int, int, int]
    timeout_s: float
    most_connections: int
    verifies_tls: bool = True
    is_spinning: bool = False
    index: int = 0
    count: int = 1

    @property
    def authority(self) -> str:
        """Host and port as the header `Host` has them."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def encode(self) -> Header:
        """As a message of `wire`."""
        return {"command": "configure", **asdict(self)}


def decode(header: Header) -> Configuration:
    """Read what `Configuration.encode` wrote."""
    fields = {name: value for name, value in header.items() if name != "command"}
    return Configuration(
        **{
            **fields,
            "workload": _workload(header["workload"]),
            "address": tuple(header["address"]),
        }
    )


def encode_arrivals(arrivals: Arrivals) -> Header:
    """The command for an open-loop step."""
    return {"command": "open", **asdict(arrivals)}


def decode_arrivals(header: Header) -> Arrivals:
    """Read what `encode_arrivals` wrote."""
    return Arrivals(
        rate_rps=header["rate_rps"],
        duration_s=header["duration_s"],
        process=ArrivalProcess(header["process"]),
        seed=header["seed"],
        starts_s=tuple(header["starts_s"]),
        profile=tuple((second, rate_rps) for second, rate_rps in header["profile"]),
    )


def check_workload(workload: Workload) -> None:
    """Refuse what no engine could send.

    Raises:
        UsageError: A request needs a value that nothing before it captures, or a pattern
            does not fit its purpose.
        ValueError: Not each path has a body, or a weight, where some have one.
    """
    for template in workload.templates:
        for given in (template.bodies, template.path_weights):
            if given and len(given) != len(template.paths):
                raise ValueError(
                    f"{template.endpoint}: {len(given)} for {len(template.paths)} paths"
                )
        missing = _places(template) if template.weight else set()
        if missing:
            raise UsageError(f"{template.endpoint} needs {_names(missing)} outside of a journey")
    for journey in workload.journeys:
        known: set[str] = set()
        for number, step in enumerate(journey.steps, 1):
            template = workload.templates[step.template]
            missing = _places(template) - known
            if missing:
                raise UsageError(
                    f"request {number} of the journey '{journey.name}' ({template.endpoint})"
                    f" needs {_names(missing)}, which no answer before it gives"
                )
            known.update(_captured(journey, step))


def _captured(journey: Journey, step: JourneyStep) -> Iterator[str]:
    for capture in step.captures:
        if capture.source is CaptureSource.TEXT:
            try:
                groups = re.compile(capture.expression).groups
            except re.error as error:
                raise UsageError(
                    f"the journey '{journey.name}' looks for '{capture.name}' with a pattern that"
                    f" cannot be: {error}"
                ) from error
            if groups != 1:
                raise UsageError(
                    f"the pattern for '{capture.name}' in the journey '{journey.name}' has"
                    f" {groups} groups; it needs one, around the value"
                )
        yield capture.name


def _places(template: RequestTemplate) -> set[str]:
    texts = [*template.paths, *template.bodies, *(value for _, value in template.headers)]
    return {name for text in texts for name in PLACE.findall(text)}


def _names(places: set[str]) -> str:
    return " and ".join(f"{{{{{name}}}}}" for name in sorted(places))


def _workload(fields: dict[str, Any]) -> Workload:
    return Workload(
        templates=tuple(_template(one) for one in fields["templates"]),
        journeys=tuple(
            Journey(**{**one, "steps": tuple(_step(step) for step in one["steps"])})
            for one in fields["journeys"]
        ),
        seed=fields["seed"],
    )


def _template(fields: dict[str, Any]) -> RequestTemplate:
    return RequestTemplate(
        endpoint=fields["endpoint"],
        paths=tuple(fields["paths"]),
        headers=tuple((name, value) for name, value in fields["headers"]),
        weight=fields["weight"],
        path_weights=tuple(fields["path_weights"]),
        bodies=tuple(fields["bodies"]),
    )


def _step(fields: dict[str, Any]) -> JourneyStep:
    captures = tuple(
        Capture(**{**one, "source": CaptureSource(one["source"])}) for one in fields["captures"]
    )
    return JourneyStep(**{**fields, "captures": captures})
