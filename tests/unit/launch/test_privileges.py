"""Which permission bits apply to an account: its own, its group's or everybody's."""

from __future__ import annotations

import os

import pytest

from pinchpoint.launch.privileges import Account, _allows

ACCOUNT = Account(name="postgres", user_id=101, group_id=104)
READ_AND_ENTER = 0o5


def file(mode: int, user: int, group: int) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, user, group, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "user", "group", "is_allowed"),
    [
        (0o755, 0, 0, True),
        (0o700, 0, 0, False),
        (0o711, 0, 0, False),  # can pass, not read
        (0o700, 101, 0, True),
        (0o055, 101, 0, False),  # the owner's bits alone count for the owner
        (0o750, 0, 104, True),
        (0o705, 0, 104, False),  # the group's bits alone count for the group
        (0o750, 0, 0, False),
    ],
)
def test_the_class_that_the_account_falls_in_decides(
    mode: int, user: int, group: int, *, is_allowed: bool
) -> None:
    assert _allows(file(mode, user, group), ACCOUNT, READ_AND_ENTER) is is_allowed
