"""What a worker may load, whatever a master says."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.load.address import resolve

if TYPE_CHECKING:
    from pinchpoint.load.address import Address


def allowed_address(base_url: str, *, is_owned: bool) -> Address:
    """The address of a target as this machine sees it.

    Args:
        base_url: From the master.
        is_owned: This worker's user owns the target, wherever it is.

    Raises:
        UsageError: It is not on loopback, and its owner did not start this worker.
        LaunchError: Its name is not known here.
    """
    address = resolve(base_url)
    if not is_owned and not ipaddress.ip_address(address[0].partition("%")[0]).is_loopback:
        raise UsageError(
            f"{base_url} is not on the worker's own machine;"
            " a worker that is started with --i-own-this may load it"
        )
    return address
