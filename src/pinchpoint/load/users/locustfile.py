"""Load a locustfile and make its users wait for tickets instead of for their wait times."""

from __future__ import annotations

import traceback
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import gevent
from locust import TaskSet
from locust import events as global_events
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.util.load_locustfile import load_locustfile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from locust import User

    from pinchpoint.load.users.samples import Recorder
    from pinchpoint.load.users.tickets import Office


class LocustfileError(Exception):
    """The locustfile cannot be used; the message is for its author."""


def load_environment(path: str, base_url: str) -> Environment:
    """Import a locustfile; all of its users ask the application at a URL.

    Args:
        path: Absolute.
        base_url: Such as `http://127.0.0.1:8000`.

    Raises:
        LocustfileError: It has no user that can be run.
        BaseException: Whatever the locustfile raises when it is imported.
    """
    classes, _ = load_locustfile(path)
    for user_class in classes.values():
        user_class.host = base_url
    # With no arguments, options that the locustfile itself defines have their defaults.
    options = get_parser(default_config_files=[]).parse_args([])
    environment = Environment(
        user_classes=list(classes.values()),
        events=global_events,
        host=base_url,
        parsed_options=options,
    )
    environment._filter_tasks_by_tags()  # noqa: SLF001  # as Locust's own runners do
    if not environment.user_classes:
        raise LocustfileError(f"{path} defines no User class that can be run")
    return environment


def explain(error: BaseException, path: str) -> str:
    """The traceback of an error, from the locustfile on."""
    told = traceback.TracebackException.from_exception(error)
    files = [frame.filename for frame in told.stack]
    if path in files:
        told.stack = traceback.StackSummary.from_list(told.stack[files.index(path) :])
    return "".join(told.format()).rstrip()


def take_turns(classes: Sequence[type[User]]) -> Iterator[str]:
    """Names of user classes for ever, by weight; those with a fixed count come first, once."""
    for user_class in classes:
        yield from [user_class.__name__] * user_class.fixed_count
    weighted = [one for one in classes if not one.fixed_count] or classes
    started = dict.fromkeys(weighted, 0)
    while True:
        chosen = min(weighted, key=lambda one: (started[one] + 1) / one.weight)
        started[chosen] += 1
        yield chosen.__name__


def take_tickets(office: Office, recorder: Recorder) -> None:
    """Make each task of every user wait for a ticket, and nothing else."""
    execute: Any = TaskSet.execute_next_task

    def execute_with_ticket(tasks: TaskSet) -> None:
        # A nested set of tasks is none itself: each of those in it takes a ticket.
        is_set = isinstance(tasks._task_queue[0], type)  # noqa: SLF001  # what comes next
        with nullcontext(0) if is_set else office.ticket() as intended_ns:
            recorder.begin_task(intended_ns)
            execute(tasks)

    def wait(_tasks: TaskSet) -> None:
        # Others go on even if this user's tasks never wait for anything.
        gevent.sleep(0)

    replacements: dict[str, Any] = {"execute_next_task": execute_with_ticket, "wait": wait}
    for name, replacement in replacements.items():
        setattr(TaskSet, name, replacement)
