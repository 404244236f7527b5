"""Django under gunicorn and uvicorn: endpoints, views of all kinds, JSON and templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import Probe, Traced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Server

SITE = """
    import os, time
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application
    from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
    from django.shortcuts import render
    from django.urls import include, path, re_path
    from django.views import View
    from django.views.generic import TemplateView

    settings.configure(
        SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [os.path.dirname(__file__)],
        }],
    )

    def index(request):
        return HttpResponse("index")

    def item(request, item_id):
        time.sleep(0)
        return JsonResponse({"id": item_id, "headers": sorted(request.headers)})

    def page(request):
        return render(request, "outer.html", {"name": "x"})

    async def waiting(request):
        time.sleep(0)
        return HttpResponse("waited")

    class Thing(View):
        def get(self, request, slug):
            time.sleep(0)
            return HttpResponse(slug)

    class AsyncThing(View):
        async def get(self, request):
            return HttpResponse("async")

    class Plain(TemplateView):
        template_name = "inner.html"

    def stream(request):
        return StreamingHttpResponse(iter(["a", "b"]))

    def file(request):
        return FileResponse(open(__file__, "rb"))

    def fail(request):
        raise LookupError

    def old(request, year):
        return HttpResponse(year)

    shop = ([
        path("items/<int:item_id>/", item, name="item"),
        re_path(r"^old/(?P<year>[0-9]{4})/$", old),
    ], "shop")
    urlpatterns = [
        path("", index),
        path("shop/", include(shop)),
        path("page/", page),
        path("waiting/", waiting),
        path("things/<slug:slug>/", Thing.as_view()),
        path("async/", AsyncThing.as_view()),
        path("plain/", Plain.as_view()),
        path("stream/", stream),
        path("file/", file),
        path("fail/", fail),
    ]
    wsgi = get_wsgi_application()
    asgi = get_asgi_application()
"""
PATHS = [
    ("/", 200, "/"),
    ("/shop/items/3/", 200, "/shop/items/{item_id}/"),
    ("/shop/old/2020/", 200, "/shop/old/{year}/"),
    ("/page/", 200, "/page/"),
    ("/waiting/", 200, "/waiting/"),
    ("/things/x/", 200, "/things/{slug}/"),
    ("/async/", 200, "/async/"),
    ("/plain/", 200, "/plain/"),
    ("/stream/", 200, "/stream/"),
    ("/file/", 200, "/file/"),
    ("/fail/", 500, "/fail/"),
    ("/absent/", 404, "/absent/"),
    ("/shop/items/3", 301, "/shop/items/3"),
]
SERVERS = {
    "wsgi": ("gunicorn", "-b", "127.0.0.1:{port}", "site_of_mine:wsgi"),
    "asgi": ("uvicorn", "--port", "{port}", "--lifespan", "off", "site_of_mine:asgi"),
}


def project(folder: Probe) -> Probe:
    folder.write("site_of_mine.py", SITE)
    folder.write("outer.html", "<p>{% include 'inner.html' %}{{ name }}</p>")
    folder.write("inner.html", "inner")
    return folder


@pytest.fixture(scope="module", params=SERVERS)
def interface(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def served(
    interface: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Probe, Server]]:
    folder = tmp_path_factory.mktemp("django")
    probe = project(Probe(folder / "probe", folder / "app"))
    with probe.serve(*SERVERS[interface]) as server:
        yield probe, server


@pytest.fixture(scope="module")
def bare(interface: str, served: tuple[Probe, Server]) -> Iterator[Server]:
    with served[0].serve(*SERVERS[interface], is_injected=False) as server:
        yield server


@pytest.mark.parametrize(("path", "status", "template"), PATHS)
def test_answers_are_the_same_and_endpoints_are_templates(
    served: tuple[Probe, Server], bare: Server, path: str, status: int, template: str
) -> None:
    traced = Traced(*served, path)
    assert traced.answer == bare.get(path)
    assert traced.answer[0] == traced.request.extra == status
    assert traced.endpoint == f"GET {template}"


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("/shop/items/3/", "item"),
        ("/waiting/", "waiting"),
        ("/things/x/", "Thing.get"),
        ("/async/", "AsyncThing.get"),
        ("/fail/", "fail"),
    ],
)
def test_the_view_is_the_application(
    served: tuple[Probe, Server], path: str, function: str
) -> None:
    assert Traced(*served, path).functions("app") == [function]


def test_what_a_view_does_is_inside_its_span(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/things/x/")
    (view,), (sleep,) = traced.spans("app"), traced.spans("sleep")
    assert (sleep.parent, sleep.function) == (view.span, "Thing.get")


def test_serialization_is_recorded_once(served: tuple[Probe, Server]) -> None:
    assert Traced(*served, "/shop/items/3/").functions("serialize") == ["item"]


def test_a_template_is_recorded_with_those_it_includes(served: tuple[Probe, Server]) -> None:
    (span,) = Traced(*served, "/page/").spans("template")
    assert (span.name, span.function) == ("outer.html", "page")


def test_only_an_asynchronous_server_has_to_wait_for_a_thread(
    served: tuple[Probe, Server], interface: str
) -> None:
    waits = Traced(*served, "/things/x/").spans("executor")
    assert bool(waits) == (interface == "asgi")


def test_the_process_says_what_it_observes(served: tuple[Probe, Server]) -> None:
    state = served[1].ask("state")
    assert "django" in state["hooked"]
    assert state["failures"] == []
