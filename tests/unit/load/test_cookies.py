from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.load.cookies import Jar


def sent(kept: Jar, path: str) -> str:
    line = kept.line(path)
    assert kept.everywhere in {None, line}
    return line.decode("latin-1").removeprefix("Cookie: ").removesuffix("\r\n")


def jar(*set_cookies: str, path: str = "/shop/cart?x=1") -> Jar:
    filled = Jar()
    for text in set_cookies:
        filled.store(text, path)
    return filled


def test_what_was_set_is_sent() -> None:
    kept = jar("session=abc; Path=/; HttpOnly", 'csrf="x=y"; Path=/; Secure; SameSite=Lax')
    assert sent(kept, "/") == 'session=abc; csrf="x=y"'


def test_the_last_value_wins() -> None:
    assert sent(jar("a=1; Path=/", "a=2; Path=/"), "/any") == "a=2"


@pytest.mark.parametrize(
    "deletion",
    [
        "a=; Max-Age=0; Path=/",
        "a=; Max-Age=-1; path=/",
        'a=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/',
    ],
)
def test_what_the_host_takes_back_is_gone(deletion: str) -> None:
    assert sent(jar("a=1; Path=/", deletion), "/") == ""


@pytest.mark.parametrize("end", ["Expires=Wed, 21 Oct 2099 07:28:00 GMT", f"Max-Age={'9' * 5000}"])
def test_an_end_in_the_future_deletes_nothing(end: str) -> None:
    text = f"a=1; Path=/; {end}"
    assert sent(jar(text), "/") == "a=1"


@pytest.mark.parametrize(
    ("asked", "is_sent"),
    [("/shop", True), ("/shop/", True), ("/shop/a?b", True), ("/shopping", False), ("/", False)],
)
def test_a_path_includes_what_is_below_it(asked: str, *, is_sent: bool) -> None:
    assert bool(sent(jar("a=1; Path=/shop"), asked)) is is_sent


def test_without_a_path_the_folder_of_the_request_counts() -> None:
    kept = jar("a=1")
    assert (sent(kept, "/shop/x"), sent(kept, "/other")) == ("a=1", "")


def test_longer_paths_come_first() -> None:
    assert sent(jar("a=1; Path=/", "a=2; Path=/shop"), "/shop/x") == "a=2; a=1"


@pytest.mark.parametrize("nonsense", ["", "novalue", "=x", ";;;", " = "])
def test_what_is_no_cookie_is_ignored(nonsense: str) -> None:
    assert sent(jar(nonsense), "/") == ""


@given(text=st.text(st.characters(max_codepoint=255)), path=st.text(max_size=20).map("/".__add__))
def test_no_header_breaks_the_jar(text: str, path: str) -> None:
    sent(jar(text, path=path), path)


DATES = st.lists(
    st.sampled_from(["Thu,", "1", "32", "Jan", "1970", "99999", "00:00:00", "25:61:61", "GMT", "+"])
    | st.text(max_size=3)
)


@given(words=DATES, age=st.text(st.sampled_from("-0123456789e")))
def test_no_date_and_no_age_breaks_the_jar(words: list[str], age: str) -> None:
    jar(f"a=1; Expires={' '.join(words)}; Max-Age={age}").line("/")
