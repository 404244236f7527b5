from __future__ import annotations

import click
import pytest

from pinchpoint.cli.headers import Header, header_lines, without_values
from pinchpoint.errors import UsageError


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Authorization: Bearer abc", ("Authorization", "Bearer abc")),
        ("X-Key:a:b", ("X-Key", "a:b")),
        ("  Cookie: a=1; b=2  ", ("Cookie", "a=1; b=2")),
    ],
)
def test_splits_name_and_value(text: str, header: tuple[str, str]) -> None:
    assert Header().convert(text, None, None) == header


@pytest.mark.parametrize(
    "text",
    ["s3cret", "X:", "X Y: s3cret", "X: s3cret\r\nHost: evil", "X: s3cr\xe9t", "Host: s3cret"],
)
def test_what_is_no_header_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        Header().convert(text, None, None)
    assert "s3cr" not in caught.value.format_message()


def test_the_table_takes_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "abc")
    assert header_lines({"A": "Bearer $TOKEN", "B": "${TOKEN}x"}) == ["A: Bearer abc", "B: abcx"]


@pytest.mark.parametrize("table", [["A: b"], "A: b", {"A": 3}, {"A": "$NOT_SET_ANYWHERE"}])
def test_a_wrong_table_is_an_error(table: object) -> None:
    with pytest.raises(UsageError, match="headers"):
        header_lines(table)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["check", "--header", "A: s3cret", "--quick"], "check --header 'A: ***' --quick"),
        (["--header=A: s3cret"], "--header='A: ***'"),
        (["--skip", "/a"], "--skip /a"),
    ],
)
def test_the_command_in_a_report_has_no_secret(words: list[str], shown: str) -> None:
    assert " ".join(without_values(words)) == shown
