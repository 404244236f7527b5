"""What the application answers to the requests of a workload, in short."""

from __future__ import annotations

import hashlib
import http.client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinchpoint.model.workload import RequestTemplate, Workload

PATHS_PER_ENDPOINT = 4
"""More would take the time that the experiment needs: each is asked for twice, alone."""
VARIES = "varies"
"""In place of the body's digest, where two answers in a row differ: times, tokens, chance."""


def digest_answers(workload: Workload, host: str, port: int, timeout_s: float) -> Mapping[str, str]:
    """Ask for the first paths of each endpoint, one after the other.

    Returns:
        `GET /users/1` -> `200 application/json 512 <sha256>`; an answer whose body is not
        the same twice in a row has VARIES instead of length and digest, and one that does
        not come the name of the error.
    """
    return {
        f"{template.endpoint.partition(' ')[0]} {path}": _ask_twice(
            template, path, http.client.HTTPConnection(host, port, timeout=timeout_s)
        )
        for template in workload.templates
        for path in template.paths[:PATHS_PER_ENDPOINT]
    }


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
