"""Run a service as an unprivileged account, because it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.errors import LaunchError

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
"""In this order: the first of them that exists. initdb wants an account with a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account without privileges."""

    name: str
    user_id: int
    group_id: int


def unprivileged_account() -> Account | None:
    """The account to run a service as that refuses root; None if this process is not root.

    Raises:
        LaunchError: There is no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, user_id=found.pw_uid, group_id=found.pw_gid)
    raise LaunchError(
        f"PostgreSQL refuses to run as root, and there is no account {' or '.join(ACCOUNTS)}",
        "Run pinchpoint as an ordinary user.",
    )


def hand_over(folder: Path, account: Account, *, within: Path) -> None:
    """Give a folder to an account, which may then pass through its parent too.

    Args:
        folder: A child of `within`.
        account: The new owner.
        within: The run's folder, which stays ours: the account can pass, but not list it.

    Raises:
        LaunchError: Root without the capabilities for it, or a folder above cannot be passed.
    """
    try:
        os.chown(within, -1, account.group_id)
        within.chmod(0o710)
        os.chown(folder, account.user_id, account.group_id)
    except PermissionError as error:
        raise LaunchError(
            f"PostgreSQL refuses to run as root, and this root cannot act as '{account.name}'",
            "Run pinchpoint as an ordinary user; in a container: docker run --user 1000:1000.",
        ) from error
    if not can_read(folder, account):
        raise LaunchError(
            f"the user '{account.name}' cannot reach {folder}",
            "Set TMPDIR to a folder that every user can pass through, such as /tmp.",
        )


def can_read(path: Path, account: Account) -> bool:
    """Whether an account can read (and if it is a folder or a program, enter or run) a path.

    By the permission bits alone; access control lists are not looked at.
    """
    path = path.resolve()
    wanted = stat.S_IROTH | (path.stat().st_mode & 0o111 and stat.S_IXOTH)
    return _allows(path.stat(), account, wanted) and all(
        _allows(parent.stat(), account, stat.S_IXOTH) for parent in path.parents
    )


def _allows(found: os.stat_result, account: Account, wanted: int) -> bool:
    """Whether the bits of the class that the account falls in hold all wanted ones."""
    mode = found.st_mode
    if found.st_uid == account.user_id:
        mode >>= 6
    elif found.st_gid == account.group_id:
        mode >>= 3
    return mode & wanted == wanted
