"""Encrypted connections to the server."""

from __future__ import annotations

import ssl


def tls_context(*, verifies: bool) -> ssl.SSLContext:
    """What connections are made with.

    Args:
        verifies: Refuse a certificate that is not signed by an authority that this machine
            trusts, or is for another host.
    """
    context = ssl.create_default_context()
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
