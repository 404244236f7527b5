"""JSON for programs: versioned, and described by a published JSON Schema.

The schema is `report.schema.json` in this package (draft 2020-12). Times are seconds, rates
are requests per second, shares and effects are ratios. A figure that was not measured, or an
interval that has no end yet, is null. File names are relative to the application's directory.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pinchpoint.report.document import document

if TYPE_CHECKING:
    from pinchpoint.model.report import Report


def render(report: Report) -> str:
    """The report as one JSON object, indented, with a newline at the end."""
    return json.dumps(document(report), indent=2, allow_nan=False) + "\n"
