"""One request as the client saw it."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One request; times are CLOCK_MONOTONIC nanoseconds, one clock for all processes.

    A tuple, not a dataclass: a run holds 100,000 of them.

    Attributes:
        trace_id: Sent to the application, so that its spans can be joined; above 0.
        endpoint: The template's name, `GET /users/{id}`.
        intended_ns: When the schedule wanted it to start (closed loop: when it was sent).
        sent_ns: When its last byte was handed to the kernel; 0 if it never was.
        first_byte_ns: When the first byte of the answer was read; 0 if none came.
        completed_ns: When the answer was complete or the request given up.
        status: HTTP status; 0 without a complete answer.
        received_bytes: Size of the answer with its head.
        error: Empty, or `timeout`, `reset`, `refused`, `closed`, `malformed`, `tls`,
            `exhausted`; `failed` is an answer that the user's own script refused.
    """

    trace_id: int
    endpoint: str
    intended_ns: int
    sent_ns: int
    first_byte_ns: int
    completed_ns: int
    status: int
    received_bytes: int
    error: str = ""

    @property
    def response_time_s(self) -> float:
        """From the intended start, so that no waiting is omitted."""
        return (self.completed_ns - self.intended_ns) / 1e9

    @property
    def client_lag_s(self) -> float:
        """How late the generator sent it: the generator's fault, not the application's."""
        return max(0, self.sent_ns - self.intended_ns) / 1e9

    @property
    def is_ok(self) -> bool:
        """Answered, and not with an error."""
        return 100 <= self.status < 400 and not self.error
