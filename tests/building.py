"""Recordings by hand, with times that can be added up in the head.

    recording("GET /orders", *[sql(CUSTOMER, ms=2)] * 45, app_ms=10)

is a pinned load of a few such requests, one after the other, 100 ms each. Operations follow
each other inside the endpoint's function; its own code comes last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.recording import Recording, Step
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Category, Hold, Span, Trace
from pinchpoint.model.workload import Arrivals, RequestTemplate, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.recording import Plan, ResourceSample

MS = 1_000_000
POOL = "pool 1+0 of postgresql+psycopg"
CUSTOMER = "SELECT name FROM customers WHERE id = %s"
ORDERS = "SELECT id, total FROM orders WHERE customer_id = %s"
HANDLER = "shop/views.py:10:list_orders"
SITE = "shop/views.py:12:list_orders"
ELSEWHERE = "shop/views.py:14:list_orders"
START_NS = 1_000_000_000
"""Of every step: 0 means `never` in a sample."""
APART_MS = 1000
"""From the start of one request of `recording` to the next."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One span, a hold around spans (`resource`), or spans at the same time (`is_parallel`)."""

    category: Category | None = None
    name: str = ""
    ms: float = 0.0
    site: str = ""
    rows: int = -1
    is_blocking: bool = False
    is_continuation: bool = False
    inside: tuple[Operation, ...] = ()
    resource: str = ""
    is_parallel: bool = False

    @property
    def length_ms(self) -> float:
        inner = [operation.length_ms for operation in self.inside]
        return self.ms + (max(inner, default=0) if self.is_parallel else sum(inner))


def sql(  # noqa: PLR0913  # the facts of a span
    statement: str = ORDERS,
    *,
    ms: float,
    site: str = SITE,
    rows: int = 1,
    is_blocking: bool = False,
    is_continuation: bool = False,
) -> Operation:
    return Operation(
        category=Category.SQL,
        name=statement,
        ms=ms,
        site=site,
        rows=rows,
        is_blocking=is_blocking,
        is_continuation=is_continuation,
    )


def outbound(
    ms: float, site: str = SITE, *inside: Operation, is_blocking: bool = False
) -> Operation:
    return Operation(
        category=Category.OUTBOUND,
        name="GET http://rates/",
        ms=ms,
        site=site,
        inside=inside,
        is_blocking=is_blocking,
    )


def sleep(ms: float, site: str = SITE, *, is_blocking: bool = False) -> Operation:
    return Operation(
        category=Category.SLEEP, name="sleep", ms=ms, site=site, is_blocking=is_blocking
    )


def connect(ms: float) -> Operation:
    return Operation(category=Category.CONNECT, name="postgresql shop", ms=ms, site=SITE)


def serialize(ms: float, site: str = SITE) -> Operation:
    return Operation(category=Category.SERIALIZE, name="JSONResponse", ms=ms, site=site)


def pool_wait(ms: float, *inside: Operation, resource: str = POOL) -> Operation:
    return Operation(category=Category.POOL_WAIT, name=resource, ms=ms, site=SITE, inside=inside)


def holding(*inside: Operation, resource: str = POOL, site: str = HANDLER) -> Operation:
    """What happens while the request has a connection."""
    return Operation(inside=inside, resource=resource, site=site)


def together(*inside: Operation) -> Operation:
    """Operations that begin at the same moment, as under asyncio.gather."""
    return Operation(inside=inside, is_parallel=True)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request: what surrounds the application, and what happens in it."""

    endpoint: str
    operations: tuple[Operation, ...] = ()
    at_ms: float = 0.0
    app_ms: float = 0.0
    framework_ms: float = 0.0
    lag_ms: float = 0.0
    queue_ms: float = 0.0
    response_ms: float = 0.0
    pid: int = 1
    thread: int = 1
    status: int = 200
    is_seen: bool = True


def request(endpoint: str, *operations: Operation, at_ms: float = 0.0, **options: float) -> Request:
    return Request(endpoint=endpoint, operations=operations, at_ms=at_ms, **options)  # type: ignore[arg-type]


def step(
    *requests: Request,
    purpose: str = "pin",
    rate_rps: float = 10.0,
    in_flight: int = 0,
    resources: tuple[ResourceSample, ...] = (),
    lost_records: int = 0,
) -> Step:
    """A step with these requests; an open loop unless `in_flight` is given."""
    built = [_Builder(one, trace_id) for trace_id, one in enumerate(requests, 1)]
    end_ns = max((one.sample.completed_ns for one in built), default=START_NS + 1)
    duration_s = (end_ns - START_NS) / 1e9
    return Step(
        purpose=purpose,
        start_ns=START_NS,
        duration_s=duration_s,
        arrivals=None if in_flight else Arrivals(rate_rps=rate_rps, duration_s=duration_s),
        in_flight=in_flight,
        samples=tuple(one.sample for one in built),
        traces=tuple(one.trace for one in built if one.request.is_seen),
        holds=tuple(hold for one in built for hold in one.holds),
        resources=resources,
        lost_records=lost_records,
    )


def recording_of(
    *steps: Step,
    interface: Interface = Interface.ASGI,
    workers: int = 1,
    threads: int = 1,
    plans: tuple[Plan, ...] = (),
) -> Recording:
    endpoints = {sample.endpoint for one in steps for sample in one.samples}
    return Recording(
        app=App(
            target="shop:app",
            interface=interface,
            framework=Framework.UNKNOWN,
            directory=Path("shop"),
            python=Path("python"),
        ),
        deployment=Deployment(server="any", workers=workers, threads=threads),
        workload=Workload(
            templates=tuple(
                RequestTemplate(endpoint=endpoint, paths=("/",)) for endpoint in sorted(endpoints)
            )
        ),
        steps=steps,
        plans=plans,
    )


def mix(*requests: Request, **options: object) -> Recording:
    """A pinned load of these requests."""
    return recording_of(step(*requests), **options)  # type: ignore[arg-type]


def recording(
    endpoint: str,
    *operations: Operation,
    requests: int = 4,
    purpose: str = "pin",
    plans: tuple[Plan, ...] = (),
    **options: float,
) -> Recording:
    """Like requests, one after the other."""
    one = request(endpoint, *operations, **options)
    all_of_them = [replace(one, at_ms=APART_MS * number) for number in range(requests)]
    return recording_of(step(*all_of_them, purpose=purpose), plans=plans)


class _Builder:
    """Lays one request out on the axis of time."""

    def __init__(self, request: Request, trace_id: int) -> None:
        self.request = request
        self.holds: list[Hold] = []
        self._trace_id = trace_id
        self._ids = count(2)
        intended_ns = START_NS + round(request.at_ms * MS)
        sent_ns = intended_ns + round(request.lag_ms * MS)
        start_ns = sent_ns + round(request.queue_ms * MS)
        spans = list(self._spans(request.operations, 1, start_ns))
        work_ms = sum(operation.length_ms for operation in request.operations) + request.app_ms
        app_end_ns = start_ns + round(work_ms * MS)
        name = request.endpoint
        spans.append(Span(1, 0, Category.APP, name, HANDLER, start_ns, app_end_ns, request.thread))
        end_ns = app_end_ns + round(request.framework_ms * MS)
        self.trace = Trace(
            trace_id=trace_id,
            endpoint=request.endpoint,
            pid=request.pid,
            thread_id=request.thread,
            intended_ns=intended_ns,
            start_ns=start_ns,
            end_ns=end_ns,
            cpu_ns=0,
            status=request.status,
            spans=tuple(spans),
        )
        completed_ns = end_ns + round(request.response_ms * MS)
        self.sample = Sample(
            trace_id=trace_id,
            endpoint=request.endpoint,
            intended_ns=intended_ns,
            sent_ns=sent_ns,
            first_byte_ns=completed_ns,
            completed_ns=completed_ns,
            status=request.status,
            received_bytes=100,
        )

    def _spans(
        self,
        operations: tuple[Operation, ...],
        parent_id: int,
        at_ns: int,
        *,
        is_parallel: bool = False,
    ) -> Iterator[Span]:
        for operation in operations:
            end_ns = at_ns + round(operation.length_ms * MS)
            yield from self._operation(operation, parent_id, at_ns, end_ns)
            at_ns = at_ns if is_parallel else end_ns

    def _operation(
        self, operation: Operation, parent_id: int, at_ns: int, end_ns: int
    ) -> Iterator[Span]:
        inner_id = parent_id if operation.category is None else next(self._ids)
        yield from self._spans(operation.inside, inner_id, at_ns, is_parallel=operation.is_parallel)
        if operation.resource:
            self.holds.append(
                Hold(
                    operation.resource,
                    self._trace_id,
                    self.request.pid,
                    at_ns,
                    end_ns,
                    operation.site,
                )
            )
        if operation.category is not None:
            yield Span(
                inner_id,
                parent_id,
                operation.category,
                operation.name,
                operation.site,
                at_ns,
                end_ns,
                self.request.thread,
                operation.rows,
                operation.is_blocking,
                is_continuation=operation.is_continuation,
            )
