"""The description that an application serves of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Traffic
from pinchpoint.walk.document import document_in
from pinchpoint.walk.sources import openapi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinchpoint.model.workload import Route
    from pinchpoint.walk.client import Visit
    from pinchpoint.walk.document import Document

USUAL = "/openapi.json"
"""Where FastAPI serves it, whose own routes are not in the route table."""
_PLACE = re.compile(r"/(?:open-?api|swagger|api-?spec)[\w.-]*\.(?:json|ya?ml)$|/schema/?$")


def read_own_description(
    routes: Sequence[Route], visit: Callable[[str, str], Visit]
) -> tuple[Traffic, ...]:
    """Ask for an OpenAPI description where applications usually have it; at most one is read."""
    served = [route.path for route in routes if route.method == "GET" and not route.parameters]
    for path in dict.fromkeys((USUAL, *filter(_PLACE.search, served))):
        seen = visit(f"GET {path}", path)
        document = document_in(path, seen.body)
        if seen.sample.status == 200 and openapi.recognises(document):
            return (_read(path, document),)
    return ()


def _read(path: str, document: Document) -> Traffic:
    try:
        return openapi.read_traffic(document)
    except UsageError as error:
        return Traffic(source=path, notes=(f"the application's own description: {error}",))
