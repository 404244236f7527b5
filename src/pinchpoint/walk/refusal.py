"""Why a route gets no load: it writes, calls out, needs a login, or does not answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from pinchpoint.walk.client import Visit

_LOGIN = re.compile(
    r"(?<![a-z])(log[-_]?in|sign[-_]?in|o?auth\d?|authenticate|authorize)(?![a-z])", re.IGNORECASE
)
"""Words in the path of a redirect; whole ones, as there are authors and blog-indexes, too."""
_CHANGING = re.compile(
    r"(?<![a-z])(log[-_]?out|sign[-_]?out|delete|remove|destroy|cancel|unsubscribe|reset|confirm"
    r"|approve|publish|buy|order[-_]?now|checkout|pay)(?![a-z])",
    re.IGNORECASE,
)
"""Words in a link that may change something, although it is a GET."""


def refusal(seen: Visit) -> str:
    """Why the route of a request gets no load; empty if it may."""
    spans = seen.trace.spans if seen.trace else ()
    refused = [span for span in spans if span.was_refused]
    if any(span.category is Category.SQL for span in refused):
        return "writes to the database"
    if refused:
        return f"reaches outside: {refused[0].name}"[:80]
    if seen.sample.error:
        return f"no answer ({seen.sample.error})"
    if reason := _unwanted(seen):
        return reason
    return "the probe saw nothing of it" if seen.is_unobserved else ""


def _unwanted(seen: Visit) -> str:
    status = seen.sample.status
    if status in {401, 403}:
        return f"needs login ({status})"
    if is_redirect(seen):
        return _redirected(seen)
    return f"answers {status}" if status >= 400 else ""


def is_redirect(seen: Visit) -> bool:
    """Whether the answer sends the visitor elsewhere."""
    return 300 <= seen.sample.status < 400 and seen.sample.status != 304


def is_unresolved(seen: Visit) -> bool:
    """Whether the application may not know the keys in the path: it sends the visitor away."""
    return seen.sample.status == 404 or is_redirect(seen)


def is_misfit(seen: Visit) -> bool:
    """Whether the application may answer other values: it does not know or accept these."""
    return is_unresolved(seen) or seen.sample.status in {400, 422}


def _redirected(seen: Visit) -> str:
    asked = seen.path.partition("?")[0]
    place = urlsplit(seen.headers.get("location", ""))
    # The page to come back to after it, such as ?next=/account.
    returns = {urlsplit(value).path.rstrip("/") for _, value in parse_qsl(place.query)}
    if _LOGIN.search(place.path) or asked.rstrip("/") in returns - {""}:
        return f"needs login (redirects to {place.path})"
    if place.scheme == "https" and place.path == asked:
        return "answers only by https"
    return ""


def may_change(link: str) -> bool:
    """Whether a link has a word in it that stands for a change: it is not followed."""
    return bool(_CHANGING.search(link))
