"""What Locust's clients send and get: each request is numbered for the probe, each is a row.

A response time is Locust's own; it counts from the intended start for the first request of
an open loop's task, else from when the request was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gevent.local import local
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from pinchpoint.load.wire import ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pinchpoint.load.client import Row

CONTEXT_KEY = "pinchpoint"
"""Under it, Locust hands what we know of a request to the listener of its end."""
MOST_ENDPOINTS = 1000
"""A locustfile that gives each URL a name of its own would fill the report."""
OTHERS = "others"


class ElsewhereError(Exception):
    """A task asks a host that is not under test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that was sent."""

    trace_id: int
    intended_ns: int
    sent_ns: int


class Recorder:
    """Numbers requests and keeps one row for each that has ended.

    Attributes:
        rows: Of the current step, in the order of `wire.RECORD`.
        endpoints: Names; a row's second field is an index of them.
        errors: Rows with an error.
    """

    def __init__(self, base_url: str) -> None:
        self.rows: list[Row] = []
        self.endpoints: dict[str, int] = {}
        self.errors = 0
        self._task = local()
        self._host = urlsplit(base_url).netloc
        self._next_trace = 1
        self._open: dict[int, Sent] = {}

    def clear(self) -> None:
        """Begin a step."""
        self.rows.clear()
        self._open.clear()
        self.errors = 0

    def begin_task(self, intended_ns: int) -> None:
        """The next request of this greenlet was to start then; 0 if when it is sent."""
        self._task.intended_ns = intended_ns

    def install(self) -> None:
        """Number the requests of both of Locust's clients."""
        clients: tuple[Any, ...] = (HttpSession, FastHttpSession)
        for client in clients:
            client.request = self._numbered(client.request)

    def _numbered(self, request: Callable[..., Any]) -> Callable[..., Any]:
        def numbered(session: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            if urlsplit(url).netloc not in {"", self._host}:
                raise ElsewhereError(f"{url} is not at {self._host}, which is under test")
            sent = self._begin(perf_counter_ns())
            header = f"{sent.trace_id:020d}-{sent.intended_ns:020d}"
            kwargs["headers"] = {**(kwargs.get("headers") or {}), "X-Pinchpoint": header}
            kwargs["context"] = {**(kwargs.get("context") or {}), CONTEXT_KEY: sent}
            return request(session, method, url, *args, **kwargs)

        return numbered

    def _begin(self, sent_ns: int) -> Sent:
        sent = Sent(
            trace_id=self._next_trace,
            intended_ns=self._task.__dict__.pop("intended_ns", 0) or sent_ns,
            sent_ns=sent_ns,
        )
        self._next_trace += 1
        self._open[sent.trace_id] = sent
        return sent

    def on_request(  # noqa: PLR0913  # Locust's event has these
        self,
        *,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int | None,
        response: Any = None,
        exception: BaseException | None = None,
        context: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """A request has ended; `response_time` is in milliseconds."""
        took_ns = round((response_time or 0) * 1e6)
        # A client that is neither of Locust's has no number.
        sent = (context or {}).get(CONTEXT_KEY) or self._begin(perf_counter_ns() - took_ns)
        done_ns = sent.sent_ns + took_ns
        status = int(getattr(response, "status_code", 0) or 0)
        error = _error(status, exception)
        self._record(sent, f"{request_type} {_path(name)}", done_ns, status, response_length, error)

    def give_up(self, unsent_ns: Iterable[int]) -> None:
        """Record as timeouts the requests that have not ended, and those that never began."""
        now_ns = perf_counter_ns()
        for intended_ns in unsent_ns:
            self.begin_task(intended_ns)
            self._begin(0)
        for sent in list(self._open.values()):
            self._record(sent, OTHERS, now_ns, 0, 0, "timeout")

    def _record(  # noqa: PLR0913, PLR0917  # the facts of a row
        self, sent: Sent, endpoint: str, done_ns: int, status: int, size: int | None, error: str
    ) -> None:
        self._open.pop(sent.trace_id, None)
        if len(self.endpoints) >= MOST_ENDPOINTS:
            endpoint = endpoint if endpoint in self.endpoints else OTHERS
        index = self.endpoints.setdefault(endpoint, len(self.endpoints))
        first_byte_ns = done_ns if status else 0
        self.errors += bool(error) or status >= 400
        self.rows.append(
            (
                sent.trace_id,
                index,
                sent.intended_ns,
                sent.sent_ns,
                first_byte_ns,
                done_ns,
                status,
                size or 0,
                ERRORS.index(error),
            )
        )


def _path(name: str) -> str:
    """A name without host and query, if it is the URL; any other is the user's choice."""
    return urlsplit(name).path or "/" if name.startswith(("/", "http://", "https://")) else name


def _error(status: int, exception: BaseException | None) -> str:
    """The word of `wire.ERRORS`; empty for an answer, whatever its status."""
    if exception is None or status >= 400:
        return ""
    if status:
        return "failed"
    text = repr(exception).lower()
    words = {"timeout": "timeout", "timed out": "timeout", "refused": "refused", "reset": "reset"}
    return next((error for word, error in words.items() if word in text), "closed")
