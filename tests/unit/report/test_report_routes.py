from __future__ import annotations

import json

from pinchpoint.model.workload import RequestTemplate, SkippedRoute, Workload
from pinchpoint.report import routes

BOOK = RequestTemplate(
    endpoint="GET /books/{id}", paths=("/books/1", "/books/2"), weight=3.0, origin="links"
)
WORKLOAD = Workload(
    templates=(RequestTemplate(endpoint="GET /books", paths=("/books",)), BOOK),
    assumptions=("mix: weights of [tool.pinchpoint.traffic]",),
)
SKIPPED = (
    *(SkippedRoute(endpoint=f"POST /{number}", reason="writes (method)") for number in range(37)),
    SkippedRoute(endpoint="GET /me", reason="needs login (401)"),
)


def test_shows_share_values_and_their_source() -> None:
    assert routes.as_text(WORKLOAD, SKIPPED).splitlines() == [
        "load  GET /books        25%  /books",
        "load  GET /books/{id}   75%  2 paths such as /books/1, from links",
        "skip  37 routes: writes (method)",
        "skip  GET /me: needs login (401)",
        "note  mix: weights of [tool.pinchpoint.traffic]",
    ]


def test_lists_all_that_is_skipped_when_asked() -> None:
    lines = routes.as_text(WORKLOAD, SKIPPED, is_all=True).splitlines()
    assert len([line for line in lines if line.startswith("skip  POST /")]) == 37


def test_programs_get_every_path() -> None:
    tree = json.loads(routes.as_json(WORKLOAD, SKIPPED))
    assert [one["share_ratio"] for one in tree["routes"]] == [0.25, 0.75]
    assert tree["routes"][1]["paths"] == ["/books/1", "/books/2"]
    assert len(tree["skipped"]) == 38


def test_a_secret_in_a_path_is_masked() -> None:
    template = RequestTemplate(endpoint="GET /x", paths=("/x?api_key=s3cret",))
    workload = Workload(templates=(template,))
    assert "s3cret" not in routes.as_text(workload, ()) + routes.as_json(workload, ())
