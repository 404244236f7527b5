"""Plans are asked for by digests: statements may be longer than a header may be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.running import Running
from pinchpoint.walk import fetch_plans
from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_HEADER_BYTES = 8190
"""gunicorn's `limit_request_field_size`."""
MANY = frozenset(f"SELECT {'column, ' * 60} FROM table_{number}" for number in range(250))


class _Worker:
    """Knows the plans of some statements, as a process of an application does."""

    def __init__(self, statements: frozenset[str]) -> None:
        self.known = {wire.digest(text): text for text in statements}
        self.longest_bytes = 0

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        header = f"token {command} {quote(json.dumps(dict(arguments)))}"
        self.longest_bytes = max(self.longest_bytes, len(header))
        asked = [self.known[name] for name in arguments["digests"] if name in self.known]
        return {"plans": [_plan(text) for text in asked]}


def _plan(statement: str) -> dict[str, Any]:
    return {
        "statement": statement,
        "system": "sqlite",
        "plan": ["SCAN t"],
        "tables": {"t": {"rows": 1}},
        "error": "",
    }


def _running(worker: _Worker) -> Running:
    return Running(
        app=App(
            target="main:app",
            interface=Interface.WSGI,
            framework=Framework.FLASK,
            directory=Path("/app"),
            python=Path("/app/python"),
            found_by="as given",
        ),
        deployment=Deployment(server="gunicorn", workers=1),
        host="127.0.0.1",
        port=1,
        pid=1,
        ask=worker.ask,
    )


def test_long_statements_fit_into_a_header() -> None:
    worker = _Worker(MANY)
    plans = fetch_plans(_running(worker), MANY)
    assert {plan.statement for plan in plans} == MANY
    assert worker.longest_bytes < MOST_HEADER_BYTES


def test_a_statement_that_nobody_knows_has_no_plan() -> None:
    assert fetch_plans(_running(_Worker(frozenset())), frozenset({"SELECT 1"})) == ()
