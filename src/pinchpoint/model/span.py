"""One request as the probe saw it, and its parts."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Category(StrEnum):
    """Where a part of the response time was spent."""

    CLIENT = "client"  # the generator sent late
    QUEUE = "queue"  # sent, but no worker had begun
    FRAMEWORK = "framework"  # routing, middleware, dependency injection
    APP = "app"  # the application's own code, ORM included
    POOL_WAIT = "pool_wait"  # for a connection of a pool
    CONNECT = "connect"  # opening a connection
    SQL = "sql"  # executing and fetching, as the client sees it
    RUNNABLE = "runnable"  # the database had answered; no interpreter, loop or CPU was free
    CACHE = "cache"
    OUTBOUND = "outbound"  # waiting for another service
    SERIALIZE = "serialize"
    TEMPLATE = "template"
    SLEEP = "sleep"
    EXECUTOR = "executor"  # waiting for a thread of a thread pool
    LOCK = "lock"  # waiting for a lock or a semaphore of the process
    HASH = "hash"  # deriving a key from a password: slow by design
    GC = "gc"  # the interpreter's garbage collector
    RESPONSE = "response"  # after the app returned: writing, reading by the client
    UNATTRIBUTED = "unattributed"  # what no part explains


WAITING = frozenset(
    {
        Category.CLIENT,
        Category.QUEUE,
        Category.RESPONSE,
        Category.UNATTRIBUTED,
        Category.POOL_WAIT,
        Category.EXECUTOR,
        Category.LOCK,
    }
)
"""What a request spends without being worked on; the rest is its service time.

RUNNABLE is not among them, as it belongs to its statements: without them it would go, too.
"""


class Span(NamedTuple):
    """One timed operation inside a request.

    Attributes:
        span_id: Unique within its process.
        parent_id: The enclosing span; 0 directly below the request.
        category: What it is.
        name: Statement, URL without query, or function.
        site: `file:line:function` of the user's code that caused it; empty if unknown.
        start_ns: CLOCK_MONOTONIC.
        end_ns: CLOCK_MONOTONIC.
        thread_id: Native id of the thread that began it.
        rows: Rows fetched, or bytes serialized; -1 if unknown.
        is_blocking_loop: It blocked a running event loop.
        was_refused: It was a write or an outbound call, and the probe refused it.
        has_failed: It raised.
        is_continuation: It fetches rows of a statement that has a span already, or ends a
            transaction: time of the database, but no statement of its own.
    """

    span_id: int
    parent_id: int
    category: Category
    name: str
    site: str
    start_ns: int
    end_ns: int
    thread_id: int
    rows: int = -1
    is_blocking_loop: bool = False
    was_refused: bool = False
    has_failed: bool = False
    is_continuation: bool = False

    @property
    def duration_s(self) -> float:
        """Inclusive time."""
        return (self.end_ns - self.start_ns) / 1e9


class Trace(NamedTuple):
    """One request inside the application.

    Attributes:
        trace_id: The client's number for it.
        endpoint: `GET /users/{id}` as the framework resolved it; the bare path if it did not.
        pid: The worker that answered.
        thread_id: The thread that answered, or that runs the event loop.
        intended_ns: The intended start that the client sent along; 0 if none.
        start_ns: When the server called the application.
        end_ns: When the application's answer was complete.
        cpu_ns: CPU time of the answering thread (WSGI only; 0 on an event loop).
        status: HTTP status.
        spans: In the order of their ends.
    """

    trace_id: int
    endpoint: str
    pid: int
    thread_id: int
    intended_ns: int
    start_ns: int
    end_ns: int
    cpu_ns: int
    status: int
    spans: tuple[Span, ...] = ()


class Hold(NamedTuple):
    """A time for which one request held a limited resource.

    Attributes:
        resource: Such as `pool 5+10 of postgresql`.
        trace_id: Who held it; 0 outside of a request.
        pid: In which process.
        start_ns: From; CLOCK_MONOTONIC.
        end_ns: Until.
        site: `file:line:function` of the user's code that took it.
    """

    resource: str
    trace_id: int
    pid: int
    start_ns: int
    end_ns: int
    site: str = ""
