"""Send one request at a time and keep what the application answered."""

from __future__ import annotations

import http.client
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.model.running import Running

TIMEOUT_S = 15.0
"""A route that needs longer alone cannot be loaded within the run."""
FIRST_TRACE_ID = 1 << 48
"""Above every number that the load engine gives, so that a trace belongs to one of both."""
MOST_BODY_BYTES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of the walk, from both sides.

    Attributes:
        path: What was asked for.
        sample: As the client saw it.
        headers: Of the answer, names in lower case.
        body: Of the answer, at most MOST_BODY_BYTES.
        trace: As the probe saw it; None if it reported nothing.
        is_unobserved: The probe should have reported it, and did not.
    """

    path: str
    sample: Sample
    headers: Mapping[str, str]
    body: bytes
    trace: Trace | None = None
    is_unobserved: bool = False

    def with_trace(self, trace: Trace) -> Visit:
        """The same request with the probe's view of it."""
        return replace(self, trace=trace)


class Client:
    """Asks one application, a new connection for each request, as a visitor would."""

    def __init__(self, running: Running, headers: Sequence[tuple[str, str]] = ()) -> None:
        self._running = running
        self._headers = dict(headers)
        self._ids = itertools.count(FIRST_TRACE_ID)

    def get(self, endpoint: str, path: str) -> Visit:
        """Send a GET; whatever goes wrong becomes a sample with an error."""
        trace_id = next(self._ids)
        start_ns = time.perf_counter_ns()
        connection = _connection(self._running)
        status, error, body, headers = 0, "", b"", {}
        try:
            connection.request(
                "GET",
                path,
                headers={
                    "X-Pinchpoint": f"{trace_id}-{start_ns}",
                    "User-Agent": "pinchpoint",
                    "Accept": "*/*",
                    **self._headers,
                },
            )
            response = connection.getresponse()
            body = response.read(MOST_BODY_BYTES)
            status = response.status
            headers = {name.lower(): value for name, value in response.getheaders()}
        except TimeoutError:
            error = "timeout"
        except (OSError, http.client.HTTPException) as failure:
            error = type(failure).__name__
        finally:
            connection.close()
        end_ns = time.perf_counter_ns()
        sample = Sample(
            trace_id=trace_id,
            endpoint=endpoint,
            intended_ns=start_ns,
            sent_ns=start_ns,
            first_byte_ns=end_ns,
            completed_ns=end_ns,
            status=status,
            received_bytes=len(body),
            error=error,
        )
        return Visit(path=path, sample=sample, headers=headers, body=body)


def _connection(running: Running) -> http.client.HTTPConnection:
    if running.scheme == "http":
        return http.client.HTTPConnection(running.host, running.port, timeout=TIMEOUT_S)
    import ssl

    context = ssl.create_default_context()
    if running.is_local:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(
        running.host, running.port, timeout=TIMEOUT_S, context=context
    )
