"""Virtual clients: each walks through a journey with its own cookies and captured values.

The first request of a journey is an arrival of the schedule. Each later one is intended at
the end of the answer before plus its think time: a slow server delays what its own client
does next, as it does to people, but never the arrival of others. A journey ends early when an
answer is an error or lacks a value that is to be captured; both are counted with their place.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinchpoint.load.captures import Answer, read_answer, take
from pinchpoint.load.client import ERROR_STATUS
from pinchpoint.load.cookies import Jar
from pinchpoint.load.message import Draft, capture_into, join
from pinchpoint.model.recording import JourneyCount
from pinchpoint.model.workload import Capture, CaptureSource

if TYPE_CHECKING:
    from pinchpoint.load.message import Values
    from pinchpoint.model.workload import Journey

NEVER_NS = 1 << 62
"""Later than any time of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One request of a journey, prepared.

    Attributes:
        template: Its index.
        drafts: By path.
        choose: Turns a number from 0 to below 1 into a path.
        think_ns: Pause before it.
        captures: Taken from its answer.
        keeps_answer: Whether they need more than its cookies.
    """

    template: int
    drafts: Sequence[Draft]
    choose: Callable[[float], int]
    think_ns: int
    captures: Sequence[Capture]
    keeps_answer: bool


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the clients of one journey in one step."""

    begun: int = 0
    completed: int = 0
    cut: int = 0
    broken: Counter[str] = field(default_factory=Counter)


class Crowd:
    """All virtual clients of one step, and when each goes on.

    Attributes:
        due_ns: When the next one goes on; NEVER_NS if none is thinking.
        tallies: By journey.

    Args:
        routes: By journey, its requests.
        seed: Of the paths; the same gives the same arrivals the same paths.
    """

    def __init__(self, routes: Sequence[Sequence[Stop]], seed: str) -> None:
        self.due_ns = NEVER_NS
        self.tallies = [Tally() for _ in routes]
        self._routes = routes
        self._draw = random.Random(seed).random  # noqa: S311  # an order of requests, no secret
        self._thinking: list[tuple[int, int, VirtualClient]] = []
        self._has_ended = False

    @property
    def is_active(self) -> bool:
        """Whether a client is on its way."""
        return any(
            tally.begun > tally.completed + tally.cut + tally.broken.total()
            for tally in self.tallies
        )

    def arrive(self, index: int, number: int) -> VirtualClient:
        """Begin a journey; the number tells the clients apart."""
        tally = self.tallies[index]
        tally.begun += 1
        stops = self._routes[index]
        paths = [stop.choose(self._draw()) for stop in stops]
        return VirtualClient(self, tally, number, stops, paths)

    def resume(self) -> VirtualClient:
        """Take the next client that goes on."""
        _, _, client = heapq.heappop(self._thinking)
        self.due_ns = self._thinking[0][0] if self._thinking else NEVER_NS
        return client

    def think(self, client: VirtualClient, until_ns: int) -> None:
        """Let a client go on later, unless the step has ended."""
        if self._has_ended:
            client.tally.cut += 1
        else:
            heapq.heappush(self._thinking, (until_ns, client.number, client))
            self.due_ns = self._thinking[0][0]

    def end(self) -> None:
        """The step has ended: nobody goes on, and those who meant to are counted."""
        self._has_ended = True
        for _, _, client in self._thinking:
            client.tally.cut += 1
        self._thinking.clear()
        self.due_ns = NEVER_NS


class VirtualClient:
    """One client on its journey.

    Attributes:
        tally: Of its journey.
        number: Of its arrival.
        template: Of its request, the index.
        keeps_answer: Whether it takes values from the answer to it.
    """

    __slots__ = (
        "_crowd",
        "_draft",
        "_jar",
        "_line_breaks",
        "_paths",
        "_position",
        "_stop",
        "_stops",
        "_values",
        "keeps_answer",
        "number",
        "tally",
        "template",
    )

    def __init__(
        self,
        crowd: Crowd,
        tally: Tally,
        number: int,
        stops: Sequence[Stop],
        paths: Sequence[int],
    ) -> None:
        self.tally = tally
        self.number = number
        self._crowd = crowd
        self._stops = stops
        self._paths = paths
        self._jar = Jar()
        self._values: Values = {}
        self._line_breaks: set[str] = set()
        self._move_to(0)

    def message(self, trace_id: int, intended_ns: int) -> bytes:
        """The bytes of its request."""
        cookies = self._jar.everywhere
        if cookies is None:
            cookies = self._jar.line(self._draft.target(self._values))
        return join(self._draft.fill(self._values, cookies), trace_id, intended_ns)

    def answered(
        self, status: int, error: str, cookies: Sequence[bytes], kept: bytes, completed_ns: int
    ) -> None:
        """Go on, unless the answer is an error or lacks what is to be captured."""
        fault = self._fault(status, error, cookies, kept)
        if not fault:
            if self._position + 1 == len(self._stops):
                self.tally.completed += 1
                return
            self._move_to(self._position + 1)
            if self._line_breaks and not self._draft.in_headers.isdisjoint(self._line_breaks):
                fault = "a header cannot hold a line break"
        if fault:
            self.tally.broken[f"request {self._position + 1}: {fault}"] += 1
        else:
            self._crowd.think(self, completed_ns + self._stop.think_ns)

    def _move_to(self, position: int) -> None:
        self._position = position
        self._stop = stop = self._stops[position]
        self._draft = stop.drafts[self._paths[position]]
        self.template, self.keeps_answer = stop.template, stop.keeps_answer

    def _fault(self, status: int, error: str, cookies: Sequence[bytes], kept: bytes) -> str:
        """Take cookies and values from the answer; why the journey ends, if it does."""
        if error or status >= ERROR_STATUS:
            return error or f"status {status}"
        if cookies:
            path = self._draft.target(self._values)
            for text in cookies:
                self._jar.store(text.decode("latin-1"), path)
        return self._capture(kept) if self._stop.captures else ""

    def _capture(self, kept: bytes) -> str:
        answer = read_answer(kept) if self.keeps_answer else Answer()
        for capture in self._stop.captures:
            value = take(capture, answer, self._jar)
            if value is None:
                return f"no value for '{capture.name}'"
            capture_into(self._values, capture.name, value)
            is_broken = "\r" in value or "\n" in value
            (self._line_breaks.add if is_broken else self._line_breaks.discard)(capture.name)
        return ""


def route(
    journey: Journey,
    drafts: Sequence[Sequence[Draft]],
    choices: Sequence[Callable[[float], int]],
) -> Sequence[Stop]:
    """Prepare the requests of a journey.

    Args:
        journey: Of the workload.
        drafts: By template and path.
        choices: By template.
    """
    return [
        Stop(
            template=step.template,
            drafts=drafts[step.template],
            choose=choices[step.template],
            think_ns=round(step.think_time_s * 1e9),
            captures=step.captures,
            keeps_answer=any(one.source is not CaptureSource.COOKIE for one in step.captures),
        )
        for step in journey.steps
    ]


def counts(journeys: Sequence[Journey], tallies: Sequence[Tally]) -> tuple[JourneyCount, ...]:
    """What became of the clients, for the recording."""
    return tuple(
        JourneyCount(
            name=journey.name,
            begun=tally.begun,
            completed=tally.completed,
            cut=tally.cut,
            broken=dict(tally.broken),
        )
        for journey, tally in zip(journeys, tallies, strict=True)
    )
