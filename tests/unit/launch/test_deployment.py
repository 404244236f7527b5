"""How an application is run: defaults, and what a server cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pinchpoint.errors import UsageError
from pinchpoint.launch.deployment import SERVERS, check_deployment, choose_deployment, load_server
from pinchpoint.model.app import App, Deployment, Framework, Interface, has_slots
from pinchpoint.plugins import load_plugins


def app(
    interface: Interface = Interface.WSGI,
    framework: Framework = Framework.FLASK,
    target: str = "main:app",
) -> App:
    return App(
        target=target,
        interface=interface,
        framework=framework,
        directory=Path("/shop"),
        python=Path("/shop/.venv/bin/python"),
    )


def command(server: str, one: App, **numbers: int) -> list[str]:
    return list(load_server(server).command(one, choose_deployment(one, server, **numbers), 8001))


@pytest.mark.parametrize(
    ("interface", "server"), [(Interface.WSGI, "gunicorn"), (Interface.ASGI, "uvicorn")]
)
def test_the_usual_server_is_that_of_the_interface(interface: Interface, server: str) -> None:
    assert choose_deployment(app(interface)).server == server


def test_numbers_that_are_not_given_are_the_servers() -> None:
    assert choose_deployment(app(), "waitress") == Deployment(
        server="waitress", workers=1, threads=4
    )
    assert choose_deployment(app(), "gunicorn", 3, 8).slots == 24


@pytest.mark.parametrize(
    ("server", "interface", "is_limited"),
    [
        ("gunicorn", Interface.WSGI, True),
        ("gunicorn", Interface.ASGI, False),
        ("gunicorn_gevent", Interface.WSGI, False),
        ("flask", Interface.WSGI, False),
        ("hypercorn", Interface.WSGI, True),
        ("granian", Interface.ASGI, False),
    ],
)
def test_a_slot_is_what_a_request_occupies(
    server: str, interface: Interface, *, is_limited: bool
) -> None:
    one = app(interface)
    assert has_slots(one, choose_deployment(one, server)) == is_limited


@pytest.mark.parametrize(
    ("server", "one", "numbers", "reason"),
    [
        ("gunicron", app(), {}, "unknown server 'gunicron'; known: .*gunicorn"),
        ("waitress", app(Interface.ASGI), {}, "does not serve ASGI"),
        ("uvicorn", app(), {}, "does not serve WSGI"),
        ("django", app(), {}, "development server of one framework"),
        ("flask", app(framework=Framework.UNKNOWN), {}, "development server of one framework"),
        ("waitress", app(), {"workers": 2}, "single process, not 2 workers"),
        ("uvicorn", app(Interface.ASGI), {"threads": 4}, "no number of threads"),
        ("hypercorn", app(), {"threads": 99}, "no number of threads"),
        ("gunicorn", app(Interface.ASGI), {"threads": 4}, "no number of threads"),
    ],
)
def test_what_a_server_cannot_do_is_refused(
    server: str, one: App, numbers: dict[str, int], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        choose_deployment(one, server, **numbers)


def test_an_arm_that_its_server_cannot_run_is_refused_too() -> None:
    with pytest.raises(UsageError, match="single process"):
        check_deployment(app(), Deployment(server="waitress", workers=2, threads=4))


@pytest.mark.parametrize("server", load_plugins(SERVERS))
@pytest.mark.parametrize("target", ["main:app", "main:create_app()"])
def test_every_server_listens_on_loopback_only_and_can_make_the_application(
    server: str, target: str
) -> None:
    traits = load_server(server).TRAITS
    one = app(traits.interfaces[0], (*traits.frameworks, Framework.FLASK)[0], target)
    words = " ".join(command(server, one))
    assert "127.0.0.1" in words
    assert "8001" in words
    assert "0.0.0.0" not in words  # this is the point
    called = {"--factory", "--call"} & set(words.split())
    assert server == "django" or ("create_app()" in words or bool(called)) == ("()" in target)


def test_the_worker_class_follows_from_interface_and_threads() -> None:
    assert "--worker-class=sync" in command("gunicorn", app())
    assert "--worker-class=gthread" in command("gunicorn", app(), threads=4)
    assert "--worker-class=asgi" in command("gunicorn", app(Interface.ASGI))


def test_uwsgi_is_the_program_beside_the_applications_interpreter() -> None:
    assert command("uwsgi", app())[0] == "/shop/.venv/bin/uwsgi"
