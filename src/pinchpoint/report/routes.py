"""What would get load and what would not, before anything is measured."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.report.redaction import redact, redact_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.model.workload import RequestTemplate, SkippedRoute, Workload

MOST_LISTED = 3
"""Routes with the same reason; more are counted unless all are wanted."""


def as_text(workload: Workload, skipped: Sequence[SkippedRoute], *, is_all: bool = False) -> str:
    """One line for each route that gets load, those that do not by reason, the assumptions."""
    lines = [
        *_loaded(workload),
        *_skipped(skipped, is_all=is_all),
        *(f"note  {assumption}" for assumption in workload.assumptions),
    ]
    return redact("\n".join(lines))


def as_json(workload: Workload, skipped: Sequence[SkippedRoute]) -> str:
    """The same for programs, with every path."""
    total = sum(template.weight for template in workload.templates)
    tree = {
        "routes": [
            {
                "endpoint": template.endpoint,
                "share_ratio": template.weight / total,
                "paths": list(template.paths),
                "path_weights": list(template.path_weights),
                "values_from": template.origin,
            }
            for template in workload.templates
            if template.weight
        ],
        "skipped": [{"endpoint": one.endpoint, "reason": one.reason} for one in skipped],
        "assumptions": list(workload.assumptions),
    }
    return json.dumps(redact_tree(tree), indent=2) + "\n"


def _loaded(workload: Workload) -> Iterator[str]:
    templates = [template for template in workload.templates if template.weight]
    total = sum(template.weight for template in templates)
    width = max((len(template.endpoint) for template in templates), default=0)
    for template in templates:
        share = f"{template.weight / total:4.0%}"
        yield f"load  {template.endpoint:<{width}}  {share}  {_paths(template)}"


def _paths(template: RequestTemplate) -> str:
    count, first = len(template.paths), template.paths[0]
    paths = first if count == 1 else f"{count} paths such as {first}"
    return f"{paths}, from {template.origin}" if template.origin else paths


def _skipped(skipped: Sequence[SkippedRoute], *, is_all: bool) -> Iterator[str]:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for one in skipped:
        by_reason[one.reason].append(one.endpoint)
    for reason, endpoints in by_reason.items():
        if len(endpoints) > MOST_LISTED and not is_all:
            yield f"skip  {len(endpoints)} routes: {reason}"
        else:
            yield from (f"skip  {endpoint}: {reason}" for endpoint in endpoints)
