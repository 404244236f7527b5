"""Virtual clients: each walks through a journey with its own cookies and captured values.

The first request of a journey is an arrival of the schedule. Each later one is intended at
the end of the answer before plus its think time: a slow server delays what its own client
does next, as it does to people, but never the arrival of others. A journey ends early when an
answer is an error or lacks a value that is to be captured; both are counted with their place.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinchpoint.load.captures import read_answer, take
from pinchpoint.load.client import ERROR_STATUS
from pinchpoint.load.cookies import Jar
from pinchpoint.model.recording import JourneyCount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinchpoint.load.client import Ended
    from pinchpoint.load.message import Format, Message
    from pinchpoint.model.workload import Journey, JourneyStep

NEVER_NS = 1 << 62
"""Later than any time of this machine."""

_MASK = (1 << 64) - 1


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

    Args:
        journeys: Of the workload.
        messages: By template and path.
        choices: By template: turns a number from 0 to below 1 into a path.
    """

    def __init__(
        self,
        journeys: Sequence[Journey],
        messages: Sequence[Sequence[Message]],
        choices: Sequence[Callable[[float], int]],
    ) -> None:
        self.journeys = journeys
        self.tallies = [Tally() for _ in journeys]
        self._messages = messages
        self._choices = choices
        self._formats: dict[tuple[int, int], tuple[str, Format]] = {}
        self.due_ns = NEVER_NS
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
        """Begin a journey; the number makes its choices repeatable."""
        self.tallies[index].begun += 1
        return VirtualClient(self, index, number)

    def resume(self) -> VirtualClient:
        """Take the next client that goes on."""
        _, _, client = heapq.heappop(self._thinking)
        self.due_ns = self._thinking[0][0] if self._thinking else NEVER_NS
        return client

    def think(self, client: VirtualClient, until_ns: int) -> None:
        """Let a client go on later, unless the step has ended."""
        if self._has_ended:
            self.tallies[client.index].cut += 1
        else:
            heapq.heappush(self._thinking, (until_ns, client.number, client))
            self.due_ns = self._thinking[0][0]

    def end(self) -> None:
        """The step has ended: nobody goes on, and those who meant to are counted."""
        self._has_ended = True
        for _, _, client in self._thinking:
            self.tallies[client.index].cut += 1
        self._thinking.clear()
        self.due_ns = NEVER_NS

    def choose(self, template: int, number: int, position: int) -> int:
        """A path for a client's request, the same in each run."""
        return self._choices[template](uniform(number, position))

    def format(self, template: int, path: int, values: Mapping[str, str]) -> tuple[str, Format]:
        """Path and bytes of a request, filled in.

        Raises:
            ValueError: A value does not fit where it is to go.
        """
        ready = self._formats.get((template, path))
        if ready is None:
            message = self._messages[template][path]
            ready = message.filled_path(values), message.format(values)
            if not message.has_places:
                self._formats[template, path] = ready
        return ready

    def counts(self) -> tuple[JourneyCount, ...]:
        """What became of the clients, for the recording."""
        return tuple(
            JourneyCount(
                name=journey.name,
                begun=tally.begun,
                completed=tally.completed,
                cut=tally.cut,
                broken=dict(tally.broken),
            )
            for journey, tally in zip(self.journeys, self.tallies, strict=True)
        )


class VirtualClient:
    """One client on its journey.

    Attributes:
        index: Of its journey.
        number: Of its arrival; makes its choices repeatable.
        template: Of its next request.
        keeps_answer: Whether it takes values from the answer to it.
    """

    __slots__ = (
        "_crowd",
        "_format",
        "_jar",
        "_path",
        "_position",
        "_values",
        "index",
        "keeps_answer",
        "number",
        "template",
    )

    def __init__(self, crowd: Crowd, index: int, number: int) -> None:
        self.index = index
        self.number = number
        self._crowd = crowd
        self._jar = Jar()
        self._values: dict[str, str] = {}
        self._position = 0
        self._prepare()

    def message(self, trace_id: int, intended_ns: int) -> bytes:
        """The bytes of its next request."""
        cookies = self._jar.header(self._path)
        line = b"Cookie: %b\r\n" % cookies.encode("latin-1") if cookies else b""
        return self._format % (line, trace_id, intended_ns)

    def answered(self, ended: Ended) -> None:
        """Go on, unless the answer is an error or lacks what is to be captured."""
        step = self._step
        tally = self._crowd.tallies[self.index]
        fault = self._fault(step, ended)
        if not fault:
            self._position += 1
            if self._position == len(self._crowd.journeys[self.index].steps):
                tally.completed += 1
                return
            fault = self._prepare()
        if fault:
            tally.broken[f"request {self._position + 1}: {fault}"] += 1
        else:
            think_ns = round(self._step.think_time_s * 1e9)
            self._crowd.think(self, ended.completed_ns + think_ns)

    @property
    def _step(self) -> JourneyStep:
        return self._crowd.journeys[self.index].steps[self._position]

    def _prepare(self) -> str:
        """Make the next request ready; what is wrong with it, if anything."""
        step = self._step
        self.template = step.template
        self.keeps_answer = bool(step.captures)
        path = self._crowd.choose(step.template, self.number, self._position)
        try:
            self._path, self._format = self._crowd.format(step.template, path, self._values)
        except ValueError as error:
            return str(error)
        return ""

    def _fault(self, step: JourneyStep, ended: Ended) -> str:
        """Take cookies and values from the answer; why the journey ends, if it does."""
        if ended.error or ended.status >= ERROR_STATUS:
            return ended.error or f"status {ended.status}"
        for text in ended.cookies:
            self._jar.store(text.decode("latin-1"), self._path)
        if step.captures:
            answer = read_answer(ended.kept)
            for capture in step.captures:
                value = take(capture, answer, self._jar)
                if value is None:
                    return f"no value for '{capture.name}'"
                self._values[capture.name] = value
        return ""


def uniform(number: int, position: int) -> float:
    """A number from 0 to below 1 that depends on nothing else (SplitMix64, Steele 2014)."""
    mixed = (number * 0x9E3779B97F4A7C15 + position * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ mixed >> 31) >> 11) / (1 << 53)
