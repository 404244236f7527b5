"""What the application answers to the requests of a workload, in short."""

from __future__ import annotations

import hashlib
import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinchpoint.load.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinchpoint.load.configuration import Configuration
    from pinchpoint.model.workload import RequestTemplate

    Connect = Callable[[], http.client.HTTPConnection]

PATHS_PER_ENDPOINT = 4
"""More would take the time that the experiment needs: each is asked for twice, alone."""
READING = ("GET ", "HEAD ")
"""Only what may be asked for once more changes nothing."""
VARIES = "varies"
"""In place of the body's digest, where two answers in a row differ: times, tokens, chance."""


def digest_answers(configuration: Configuration) -> Mapping[str, str]:
    """Ask for the first paths of each endpoint that reads, one after the other.

    Returns:
        `GET /users/1` -> `200 application/json 512 <sha256>`; an answer whose body is not
        the same twice in a row has VARIES instead of length and digest, and one that does
        not come the name of the error.
    """
    connect = _connector(configuration)
    return {
        f"{template.endpoint.partition(' ')[0]} {path}": _ask_twice(template, path, connect())
        for template in configuration.workload.templates
        if template.weight and template.endpoint.startswith(READING)
        for path in template.paths[:PATHS_PER_ENDPOINT]
    }


def _connector(configuration: Configuration) -> Connect:
    url = urlsplit(configuration.base_url)
    host, port, timeout_s = url.hostname or "", url.port, configuration.timeout_s
    if url.scheme == "http":
        return lambda: http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = tls_context(verifies=configuration.verifies_tls)
    return lambda: http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


def _ask_twice(template: RequestTemplate, path: str, connection: http.client.HTTPConnection) -> str:
    try:
        kind, body = _ask(template, path, connection)
        same_kind, same_body = _ask(template, path, connection)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
    return f"{kind} {body}" if (kind, body) == (same_kind, same_body) else f"{kind} {VARIES}"


def _ask(
    template: RequestTemplate, path: str, connection: http.client.HTTPConnection
) -> tuple[str, str]:
    method = template.endpoint.partition(" ")[0]
    connection.request(method, path, headers=dict(template.headers))
    response = connection.getresponse()
    body = response.read()
    kind = f"{response.status} {response.getheader('Content-Type', '')}"
    return kind, f"{len(body)} {hashlib.sha256(body).hexdigest()}"
