"""One HTML page that holds everything: no network, no build step, light and dark, printable.

Pictures are SVG drawn from the report, so that they print and zoom; colours repeat what shapes,
hatching and words say. The published JSON of the run lies inside, in
`<script type="application/json" id="report">`, and the page's button saves it to a file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pinchpoint.model.trial import Verdict
from pinchpoint.report import charts, source, story, words
from pinchpoint.report.document import document
from pinchpoint.report.redaction import redacted

if TYPE_CHECKING:
    from jinja2 import Template

    from pinchpoint.model.report import Report

_TEMPLATES = Path(__file__).parent.parent / "templates"


def render(report: Report) -> str:
    """The page; everything that came from outside is escaped."""
    published = document(report)
    report = redacted(report)
    effects = [trial.effects[0] for trial in report.trials if trial.effects]
    null = report.quality.null_effect
    page = _template().render(
        report=report,
        published=published,
        is_void=story.is_void(report),
        wall=charts.wall(report),
        waits=charts.waits(report.blame),
        forest=charts.forest([*effects, null] if null else effects),
        mix=next((budget for budget in report.budgets if budget.endpoint == "*"), None),
        endpoints=_endpoints(report),
    )
    # A file name that is no UTF-8 reaches us as lone surrogates, which no file can hold.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _endpoints(report: Report) -> list[tuple[object, float]]:
    """Budgets of the endpoints with their share of all response time, the largest first."""
    budgets = [budget for budget in report.budgets if budget.endpoint != "*"]
    weights = [budget.requests * budget.response_time_s for budget in budgets]
    total = sum(weights) or 1.0
    rows = zip(budgets, weights, strict=True)
    return [(b, w / total) for b, w in sorted(rows, key=lambda row: -row[1])]


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "allow_nan": False}
    environment.globals.update(
        words=words, story=story, charts=charts, source=source, Verdict=Verdict
    )
    return environment.get_template("report.html.j2")
