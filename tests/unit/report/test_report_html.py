"""The page holds everything itself, and nothing that it did not mean to."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import reports

from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.report import Report
from pinchpoint.model.span import Category
from pinchpoint.model.trial import Trial
from pinchpoint.report.formats import html
from pinchpoint.report.formats import json as json_format

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
VOID_TAGS = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags nest, and gathers ids, links and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("href", "src") if name in values]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, *_: object) -> None:
        """`<path/>`: nothing to close."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


ALL = pytest.mark.parametrize("report", [reports.SICK, reports.HEALTHY, reports.VOID])


def embedded(text: str) -> object:
    (found,) = re.findall(
        r'<script type="application/json" id="report">(.*?)</script>', text, re.DOTALL
    )
    return json.loads(found)


@ALL
def test_tags_nest_and_ids_are_unique(report: Report) -> None:
    page = Page(html.render(report))
    assert not page.open
    assert len(page.ids) == len(set(page.ids))


@ALL
def test_asks_the_network_for_nothing(report: Report) -> None:
    text = html.render(report)
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert "default-src 'none'" in text
    assert "@import" not in text


@ALL
def test_holds_the_published_json(report: Report) -> None:
    assert embedded(html.render(report)) == json.loads(json_format.render(report))


def test_escapes_what_came_from_outside() -> None:
    report = replace(
        reports.SICK,
        title=EVIL,
        summary=(EVIL,),
        environment={EVIL: EVIL},
        findings=(replace(reports.HOLD, title=EVIL, advice=EVIL, endpoint=EVIL),),
    )
    text = html.render(report)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert embedded(text) == json.loads(json_format.render(report))


def test_a_void_run_shows_no_picture() -> None:
    text = html.render(reports.VOID)
    assert "VOID: nothing of this run may be quoted" in text
    assert 'class="wall"' not in text
    assert "62.3 req/s" not in re.sub(r"<script.*", "", text, flags=re.DOTALL)


def test_the_blamed_line_is_marked(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(reports.MAIN, encoding="utf-8")
    text = html.render(replace(reports.SICK, environment={"directory": str(tmp_path)}))
    assert '<span class="blamed"><i>5</i>    rate = partner.get(' in text


def test_a_run_that_ended_early_still_makes_a_page() -> None:
    nothing = Capacity(rate_rps=0, low_rps=0, high_rps=0, in_flight=0, state=CapacityState.FAILED)
    refused = Trial(change=reports.HOLD_TRIAL.change, verdict=reports.HOLD_TRIAL.verdict)
    report = Report(run_id="1", title="app", capacity=nothing, trials=(refused,))
    assert "No capacity was measured." in html.render(report)


def test_a_name_that_is_no_unicode_can_be_written() -> None:
    html.render(replace(reports.SICK, summary=("caf\udce9",))).encode("utf-8")


@pytest.mark.parametrize("category", Category)
def test_every_category_has_its_colour(category: Category) -> None:
    assert f"--{category}: #" in html.render(reports.HEALTHY)
