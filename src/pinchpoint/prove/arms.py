"""What an experiment needs of the two variants of an application that it compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Arm = Literal["baseline", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One arm under load for a few seconds.

    Attributes:
        rate_rps: Throughput of the whole mix.
        cpu_per_request_s: CPU time of the application's processes; 0 if unknown.
        error_ratio: Answers that were errors, 0 to 1; 1 if nothing was answered.
        mean_response_s: Mean response time by endpoint.
        is_contaminated: Other processes took the CPU, as seen from the machine's figures
            alone: foreign CPU time and run-queue waits, never from the results above.
    """

    rate_rps: float
    cpu_per_request_s: float = 0.0
    error_ratio: float = 0.0
    mean_response_s: Mapping[str, float] = field(default_factory=dict)
    is_contaminated: bool = False


class Arms(Protocol):
    """Both variants of the application, started and warm."""

    def measure(self, arm: Arm, duration_s: float) -> Block:
        """Offer the plateau's closed loop to one arm while the other one rests."""
        ...

    def answers(self, arm: Arm) -> Mapping[str, str]:
        """Ask every endpoint for the same things; the answer, or a digest, by endpoint."""
        ...


def compare_answers(arms: Arms) -> tuple[bool | None, str]:
    """Ask both arms the same things.

    An endpoint that differs between the arms is asked once more: if an arm does not even
    repeat itself, the endpoint is volatile (the time, a random order) and is left out.

    Returns:
        Whether the answers are the same, None if all are volatile; and the first endpoint
        that differs, else an empty text.
    """
    baseline, changed = arms.answers("baseline"), arms.answers("changed")
    different = [name for name in baseline if baseline[name] != changed.get(name)]
    if not different:
        return (True if baseline else None), ""
    again, changed_again = arms.answers("baseline"), arms.answers("changed")
    stable = [
        name
        for name in different
        if again.get(name) == baseline[name] and changed_again.get(name) == changed.get(name)
    ]
    if stable:
        return False, stable[0]
    return (True if len(different) < len(baseline) else None), ""
