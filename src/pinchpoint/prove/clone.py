"""Copies of the application's databases, one for each arm, that end with the experiment.

The tool opens no database itself: the application's interpreter, which has the driver, runs
`pinchpoint_probe/clone.py`. Nothing may be connected to a database while it is copied.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import pinchpoint_probe
from pinchpoint.errors import InconclusiveError, PinchpointError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinchpoint.prove.arms import Arm

SCRIPT = Path(pinchpoint_probe.__file__).parent / "clone.py"
SUFFIXES: Mapping[Arm, str] = {"baseline": "a", "changed": "b"}

_log = logging.getLogger(__name__)


class CloneRefused(InconclusiveError):  # noqa: N818  # it is an answer, not a mishap
    """A database cannot be cloned, so what needs a clone stays a prediction.

    Attributes:
        kind: `no-right`, `in-use`, `too-large`, `not-redirected` or `other`.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDatabase:
    """A database that the application opened.

    Attributes:
        system: `postgresql` or `sqlite`.
        driver: The module that opened it.
        name: As the application asked for it; the path of an SQLite file.
        parameters: Of the connection, its password included: never printed, never stored.
    """

    system: str
    driver: str
    name: str
    parameters: Mapping[str, Any] = field(repr=False)


def read_databases(answers: Iterable[Mapping[str, Any]]) -> tuple[OpenedDatabase, ...]:
    """Read the workers' answers to the command `connections`; each database once."""
    found = {
        (entry["system"], entry["database"]): OpenedDatabase(
            system=entry["system"],
            driver=entry["driver"],
            name=entry["database"],
            parameters=entry["parameters"],
        )
        for answer in answers
        for entry in answer["connections"]
    }
    return tuple(found.values())


class CleanUp(Protocol):
    """Has jobs done when the run ends, in whatever way: the guardian."""

    def at_exit(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        text: str,
        note: str = ...,
    ) -> int:
        """Register a job and its standard input; returns its number."""
        ...

    def cancel(self, number: int) -> None:
        """Forget a job."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The application's interpreter, as the pipeline lets it be used.

    Attributes:
        python: Its path.
        environment: All variables of its process; without the probe's.
        run: `run(command, environment, text)` passes the text on standard input and returns
            standard output.
        clean_up: Drops the clones if the tool cannot.
    """

    python: Path
    environment: Mapping[str, str] = field(repr=False)
    run: Callable[[Sequence[str], Mapping[str, str], str], str]
    clean_up: CleanUp

    @property
    def command(self) -> tuple[str, ...]:
        """Runs the script that clones."""
        return (str(self.python), str(SCRIPT))


class Clones:
    """Two clones of each database, while the context is open.

    Each is registered to be dropped before it is made.

    Args:
        databases: What to clone.
        interpreter: Runs the script.
        run_id: Part of the clones' names, so that they can be told from those of other runs.
        folder: Where copies of SQLite files lie.

    Raises:
        CloneRefused: On entering, if a database cannot be cloned; nothing is left then.
    """

    def __init__(
        self,
        databases: Sequence[OpenedDatabase],
        interpreter: Interpreter,
        *,
        run_id: str,
        folder: Path,
    ) -> None:
        self._databases = databases
        self._interpreter = interpreter
        self._prefix = f"pinchpoint_{run_id}"
        self._folder = folder.resolve()
        self._made: list[tuple[OpenedDatabase, str, int]] = []

    def __enter__(self) -> Self:
        """Make the clones."""
        try:
            for arm in SUFFIXES:
                for database, clone in self._clones(arm):
                    self._make(database, clone)
        except BaseException:
            self._drop_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the clones; what cannot be dropped now is left to the clean-up."""
        self._drop_all()

    def redirect(self, arm: Arm) -> dict[str, str]:
        """The clone that an arm has to open instead of each database."""
        return {database.name: clone for database, clone in self._clones(arm)}

    def migrate(self, statements: Sequence[str]) -> None:
        """Apply statements to the changed arm's clones.

        Of several databases one has to accept them: only one has the table.

        Raises:
            CloneRefused: None did.
        """
        refusals = []
        for database, clone in self._clones("changed"):
            try:
                self._ask("migrate", database, clone, statements=list(statements))
            except CloneRefused as refusal:
                refusals.append(refusal)
        if len(refusals) == len(self._databases):
            raise refusals[0]

    def _clones(self, arm: Arm) -> list[tuple[OpenedDatabase, str]]:
        return [
            (database, self._name(database, SUFFIXES[arm] + (str(number) if number > 1 else "")))
            for number, database in enumerate(self._databases, 1)
        ]

    def _name(self, database: OpenedDatabase, suffix: str) -> str:
        name = f"{self._prefix}_{suffix}"
        return str(self._folder / f"{name}.sqlite3") if database.system == "sqlite" else name

    def _make(self, database: OpenedDatabase, clone: str) -> None:
        interpreter = self._interpreter
        job = interpreter.clean_up.at_exit(
            interpreter.command,
            environment=interpreter.environment,
            text=_request("drop", database, clone),
            note=f"{database.system} database {clone}",
        )
        self._made.append((database, clone, job))
        self._ask("create", database, clone)

    def _drop_all(self) -> None:
        while self._made:
            database, clone, job = self._made.pop()
            try:
                self._ask("drop", database, clone)
            except PinchpointError as error:
                _log.warning("clone=%s dropped=later reason=%s", clone, error)
            else:
                self._interpreter.clean_up.cancel(job)

    def _ask(self, action: str, database: OpenedDatabase, clone: str, **more: object) -> None:
        """Have the script do something.

        Raises:
            CloneRefused: It did not; the message is without secrets.
        """
        interpreter = self._interpreter
        text = _request(action, database, clone, **more)
        output = interpreter.run(interpreter.command, interpreter.environment, text)
        try:
            answer = json.loads(output)
        except ValueError:
            answer = {"ok": False, "kind": "other", "error": "no answer from the interpreter"}
        if not answer["ok"]:
            reason = _without_secrets(answer["error"], database)
            message = f"cannot {action} {clone}, a clone of {database.name}: {reason}"
            raise CloneRefused(message, answer["kind"])


def confirm(databases_by_worker: Iterable[Mapping[str, str]], redirect: Mapping[str, str]) -> None:
    """Check that every worker is connected to the clones, and to nothing else.

    Args:
        databases_by_worker: What each worker's databases say that they are, by the name that
            the application asked for.
        redirect: The clone of each database.

    Raises:
        CloneRefused: One is something else, or could not be asked.
    """
    workers = list(databases_by_worker)
    if not workers or not all(workers):
        raise CloneRefused("a worker could not be asked for its database", "not-redirected")
    for asked, opened in (item for worker in workers for item in worker.items()):
        if redirect.get(asked) != opened:
            raise CloneRefused(f"{asked} was opened as {opened}, not as a clone", "not-redirected")


def _request(action: str, database: OpenedDatabase, clone: str, **more: object) -> str:
    return json.dumps(
        {
            "action": action,
            "system": database.system,
            "driver": database.driver,
            "parameters": dict(database.parameters),
            "database": database.name,
            "clone": clone,
            **more,
        }
    )


def _without_secrets(text: str, database: OpenedDatabase) -> str:
    """Blot out passwords, should a driver quote them in a message."""
    for name, value in database.parameters.items():
        if "pass" in name and value:
            text = text.replace(str(value), "***")
    return text
