"""Clones are made for both arms, dropped in every case, and never betray a password."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinchpoint.prove.clone import (
    CloneRefused,
    Clones,
    Interpreter,
    OpenedDatabase,
    confirm,
    read_databases,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOP = OpenedDatabase(
    system="postgresql",
    driver="psycopg",
    name="shop",
    parameters={"host": "127.0.0.1", "password": "hunter2"},
)
FILE = OpenedDatabase(system="sqlite", driver="sqlite3", name="/srv/shop.db", parameters={})
OK = {"ok": True}


class FakeScript:
    """Stands in for the interpreter and for the guardian.

    Attributes:
        actions: `create pinchpoint_r1_a`, in order.
        refusals: Answers to give instead of success, by action.
        jobs: What is left to be done at the end, by number.
    """

    def __init__(self, **refusals: Mapping[str, Any] | str) -> None:
        self.actions: list[str] = []
        self.refusals = refusals
        self.jobs: dict[int, Mapping[str, Any]] = {}

    def run(self, _command: Sequence[str], _environment: Mapping[str, str], text: str) -> str:
        request = json.loads(text)
        self.actions.append(f"{request['action']} {request['clone']}")
        answer = self.refusals.get(self.actions[-1]) or self.refusals.get(request["action"], OK)
        return answer if isinstance(answer, str) else json.dumps(answer)

    def at_exit(
        self,
        _command: Sequence[str],
        *,
        environment: Mapping[str, str],
        text: str,
        note: str = "",
    ) -> int:
        assert "hunter2" not in note
        assert environment == {"HOME": "/home/me"}
        self.jobs[len(self.actions)] = json.loads(text)
        return len(self.actions)

    def cancel(self, number: int) -> None:
        del self.jobs[number]


def clones(script: FakeScript, *databases: OpenedDatabase) -> Clones:
    interpreter = Interpreter(
        python=Path("/usr/bin/python3"),
        environment={"HOME": "/home/me"},
        run=script.run,
        clean_up=script,
    )
    return Clones(databases or [SHOP], interpreter, run_id="r1", folder=Path("/run"))


def refusal(kind: str, error: str) -> dict[str, Any]:
    return {"ok": False, "kind": kind, "error": error}


def test_each_arm_gets_its_own_clone() -> None:
    with clones(FakeScript()) as made:
        assert made.redirect("baseline") == {"shop": "pinchpoint_r1_a"}
        assert made.redirect("changed") == {"shop": "pinchpoint_r1_b"}


def test_several_databases_have_clones_of_different_names() -> None:
    other = OpenedDatabase(system="postgresql", driver="psycopg", name="log", parameters={})
    with clones(FakeScript(), SHOP, other, FILE) as made:
        assert made.redirect("changed") == {
            "shop": "pinchpoint_r1_b",
            "log": "pinchpoint_r1_b2",
            "/srv/shop.db": "/run/pinchpoint_r1_b3.sqlite3",
        }


def test_clones_are_dropped_at_the_end() -> None:
    script = FakeScript()
    with clones(script):
        assert [job["clone"] for job in script.jobs.values()] == [
            "pinchpoint_r1_a",
            "pinchpoint_r1_b",
        ]
    assert script.actions[-2:] == ["drop pinchpoint_r1_b", "drop pinchpoint_r1_a"]
    assert script.jobs == {}


def test_clones_are_dropped_after_an_error() -> None:
    script = FakeScript()
    with pytest.raises(KeyboardInterrupt), clones(script):
        raise KeyboardInterrupt
    assert script.jobs == {}


def test_nothing_is_left_of_a_refusal() -> None:
    script = FakeScript(**{"create pinchpoint_r1_b": refusal("too-large", "3 GB")})
    with pytest.raises(CloneRefused, match="cannot create pinchpoint_r1_b, a clone of shop: 3 GB"):
        clones(script).__enter__()
    assert "drop pinchpoint_r1_a" in script.actions
    assert script.jobs == {}


def test_the_kind_of_a_refusal_is_passed_on() -> None:
    script = FakeScript(create=refusal("no-right", "permission denied to create database"))
    with pytest.raises(CloneRefused) as caught:
        clones(script).__enter__()
    assert caught.value.kind == "no-right"


def test_what_cannot_be_dropped_now_is_dropped_at_the_end() -> None:
    script = FakeScript(drop=refusal("in-use", "it is in use"))
    with clones(script):
        pass
    assert [job["action"] for job in script.jobs.values()] == ["drop", "drop"]


def test_an_interpreter_that_does_not_answer_is_a_refusal() -> None:
    with pytest.raises(CloneRefused, match="no answer"):
        clones(FakeScript(create="Traceback")).__enter__()


def test_statements_are_for_the_changed_arm_only() -> None:
    script = FakeScript()
    with clones(script) as made:
        made.migrate(["CREATE INDEX i ON t (c)"])
    assert [action for action in script.actions if action.startswith("migrate")] == [
        "migrate pinchpoint_r1_b"
    ]


def test_one_of_several_databases_has_the_table() -> None:
    script = FakeScript(**{"migrate pinchpoint_r1_b": refusal("other", "no such table")})
    with clones(script, SHOP, FILE) as made:
        made.migrate(["CREATE INDEX i ON t (c)"])


def test_a_statement_that_no_database_accepts_is_refused() -> None:
    with (
        clones(FakeScript(migrate=refusal("other", "no such table"))) as made,
        pytest.raises(CloneRefused, match="no such table"),
    ):
        made.migrate(["CREATE INDEX i ON t (c)"])


def test_a_password_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    quoting = refusal("other", 'invalid: "password=hunter2"')
    with clones(FakeScript(drop=quoting)) as made:
        assert "hunter2" not in repr(made._databases)
    with pytest.raises(CloneRefused) as caught:
        clones(FakeScript(create=quoting)).__enter__()
    assert "hunter2" not in str(caught.value) + caplog.text
    assert "password=***" in str(caught.value)


def test_a_database_that_all_workers_opened_is_cloned_once() -> None:
    entry = {"system": "sqlite", "driver": "sqlite3", "database": "/a.db", "parameters": {}}
    (database,) = read_databases([{"connections": [entry, entry]}, {"connections": [entry]}])
    assert database.name == "/a.db"


REDIRECT = {"shop": "pinchpoint_r1_a"}


def test_workers_on_the_clone_are_confirmed() -> None:
    confirm([{"shop": "pinchpoint_r1_a"}, {"shop": "pinchpoint_r1_a"}], REDIRECT)


@pytest.mark.parametrize(
    "workers",
    [
        [{"shop": "pinchpoint_r1_a"}, {"shop": "shop"}],
        [{"shop": "pinchpoint_r1_b"}],
        [{"shop": "pinchpoint_r1_a", "log": "log"}],
        [{"shop": "pinchpoint_r1_a"}, {}],
        [],
    ],
    ids=["the original", "the other arm's", "one more database", "a silent worker", "no worker"],
)
def test_anything_else_than_the_clone_is_refused(workers: list[dict[str, str]]) -> None:
    with pytest.raises(CloneRefused) as caught:
        confirm(workers, REDIRECT)
    assert caught.value.kind == "not-redirected"
