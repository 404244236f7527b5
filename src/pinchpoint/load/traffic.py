"""The requests of one step: draws the mix, and lets virtual clients go on."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pinchpoint.load.journeys import Crowd, counts, route
from pinchpoint.load.message import drafts, join
from pinchpoint.load.mix import path_choice, request_order

if TYPE_CHECKING:
    from pinchpoint.load.connection import Request
    from pinchpoint.load.journeys import VirtualClient
    from pinchpoint.model.recording import JourneyCount
    from pinchpoint.model.workload import Workload


class Traffic:
    """Makes the requests of one engine process out of a workload.

    Process `index` of `count` takes each count-th arrival of the same mix, and each count-th
    trace id, so that all of them together offer what one would.

    Attributes:
        crowd: The virtual clients of the current step.

    Args:
        workload: The mix.
        authority: Host and port, for the header `Host`.
        index: From 0.
        count: At least 1.
    """

    def __init__(self, workload: Workload, authority: str, index: int, count: int) -> None:
        templates = workload.templates
        self._workload = workload
        self._index, self._count = index, count
        self._next_trace = index + 1
        prepared = [drafts(template, authority) for template in templates]
        self._parts = [[(one.head, one.body) for one in of_template] for of_template in prepared]
        choices = [path_choice(len(one.paths), one.path_weights) for one in templates]
        self._routes = [route(journey, prepared, choices) for journey in workload.journeys]
        self._step = 0

    def begin_step(self) -> None:
        """Start the mix of the next step; arms of an experiment see the same in the same step."""
        self._step += 1
        templates, journeys = self._workload.templates, self._workload.journeys
        seed = f"{self._workload.seed}-{self._step}"
        order = request_order(
            [*(one.weight for one in templates), *(one.weight for one in journeys)],
            [*(len(template.paths) for template in templates), *(1 for _ in journeys)],
            seed,
            [*(template.path_weights for template in templates), *(() for _ in journeys)],
        )
        self._order = islice(order, self._index, None, self._count)
        self.crowd = Crowd(self._routes, f"{seed}-{self._index}")

    def journey_counts(self) -> tuple[JourneyCount, ...]:
        """What became of the virtual clients of the step."""
        return counts(self._workload.journeys, self.crowd.tallies)

    def arrive(self, intended_ns: int) -> Request:
        """The next arrival of the mix."""
        index, path = next(self._order)
        if index >= len(self._parts):
            client = self.crowd.arrive(index - len(self._parts), self._next_trace)
            return self._ask(client, intended_ns)
        trace_id = self._next_trace
        self._next_trace += self._count
        message = join(self._parts[index][path], trace_id, intended_ns)
        return trace_id, index, intended_ns, message, None

    def resume(self, intended_ns: int) -> Request:
        """The request of the virtual client that goes on next."""
        return self._ask(self.crowd.resume(), intended_ns)

    def _ask(self, client: VirtualClient, intended_ns: int) -> Request:
        trace_id = self._next_trace
        self._next_trace += self._count
        return (
            trace_id,
            client.template,
            intended_ns,
            client.message(trace_id, intended_ns),
            client,
        )
