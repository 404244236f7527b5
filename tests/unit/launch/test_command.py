"""What can be told from the user's command line alone, and from a URL."""

from __future__ import annotations

import sys

import pytest

from pinchpoint.errors import UsageError
from pinchpoint.launch.command import _ignoring_flag, server_name, words_of
from pinchpoint.launch.elsewhere import split_url


def test_a_command_in_quotes_is_taken_apart() -> None:
    assert words_of([f"{sys.executable} -c 'print(1)'"]) == (sys.executable, "-c", "print(1)")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command"),
        (["gunicron", "app:app"], "no program 'gunicron'"),
        (["python 'app"], "cannot read the command"),
    ],
)
def test_a_command_that_cannot_be(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        words_of(words)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("gunicorn -c conf.py app:app", "gunicorn"),
        (".venv/bin/uvicorn app:app", "uvicorn"),
        ("/usr/bin/python3.12 -X dev -m hypercorn app:app", "hypercorn"),
        ("python manage.py runserver", "manage.py"),
        ("python -u serve.py", "serve.py"),
    ],
)
def test_the_name_of_a_server(command: str, name: str) -> None:
    assert server_name(command.split()) == name


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        ("python3 -I serve.py", "-I"),
        ("python -u -E -m gunicorn app:app", "-E"),
        ("/opt/python3.13 -sS serve.py", "-sS"),
        ("python serve.py -I", ""),
        ("python -m gunicorn -E app:app", ""),
        ("gunicorn -E app:app", ""),
        ("python -s --check-hash-based-pycs always serve.py", ""),
    ],
)
def test_flags_of_python_that_keep_the_probe_out(command: str, flag: str) -> None:
    assert _ignoring_flag(command.split()) == flag


def test_a_url_without_a_scheme_is_one_of_http() -> None:
    split = split_url("localhost:8000/books")
    assert (split.scheme, split.hostname, split.port) == ("http", "localhost", 8000)


@pytest.mark.parametrize(
    "url", ["", "ftp://localhost", "http://", "http://localhost:99999", "http://a b", "http://[::1"]
)
def test_what_is_no_url_of_a_web_server(url: str) -> None:
    with pytest.raises(UsageError, match="not the URL of a web server"):
        split_url(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        split_url("http://bob:secret@localhost:8000")
    assert "secret" not in str(refused.value) + refused.value.remedy
