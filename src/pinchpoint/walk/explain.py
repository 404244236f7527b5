"""Fetch the plans of the statements that were seen, from inside the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.model.span import Category
from pinchpoint.walk.plans import parse_plan
from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinchpoint.model.recording import Plan
    from pinchpoint.model.running import Running
    from pinchpoint.model.span import Trace

BATCH = 100
"""Digests in one question: it travels in a header, and gunicorn refuses one above 8190 bytes."""


def statements_of(traces: Iterable[Trace]) -> frozenset[str]:
    """The distinct statements of some requests."""
    return frozenset(
        span.name for trace in traces for span in trace.spans if span.category is Category.SQL
    )


def fetch_plans(running: Running, statements: frozenset[str]) -> tuple[Plan, ...]:
    """Ask for plans until every statement has one, or all workers should have answered.

    Each worker explains what it has executed itself, with the parameters that it remembers;
    a question reaches whichever worker accepts, so it is asked more often than there are.
    """
    plans: dict[str, Plan] = {}
    for _ in range(4 * running.deployment.workers):
        missing = sorted(statements - plans.keys())
        if not missing:
            break
        for batch in (missing[at : at + BATCH] for at in range(0, len(missing), BATCH)):
            answer = running.ask("explain", {"digests": [wire.digest(text) for text in batch]})
            for entry in answer.get("plans", ()):
                if (plan := parse_plan(entry)) is not None:
                    plans[plan.statement] = plan
    return tuple(plans.values())
