"""The route table of a Django project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import Probe

SITE = """
    import json
    from django.conf import settings
    settings.configure(
        ROOT_URLCONF=__name__, SECRET_KEY="x", STATIC_URL="/static/",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes",
            "django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"],
        MIDDLEWARE=MIDDLEWARE,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    from django.core.wsgi import get_wsgi_application
    app = get_wsgi_application()

    from django.contrib import admin
    from django.contrib.auth.decorators import login_not_required, login_required
    from django.contrib.auth.mixins import LoginRequiredMixin
    from django.urls import include, path, re_path
    from django.utils.decorators import method_decorator
    from django.views import View
    from django.views.decorators.http import require_http_methods
    from django.views.generic import TemplateView
    from django.views.static import serve

    def index(request): ...
    def item(request, pk): ...

    @require_http_methods(["GET", "POST"])
    def both(request): ...

    @login_required
    def account(request): ...

    @login_not_required
    def public(request): ...

    class Thing(View):
        def get(self, request): ...
        def post(self, request): ...

    class Mixed(LoginRequiredMixin, TemplateView): ...

    @method_decorator(login_required, name="dispatch")
    class Decorated(TemplateView): ...

    inner = [path("<uuid:key>/<slug:slug>/<path:rest>", item),
             re_path(r"^old/(?P<year>[0-9]{4})/(?P<name>\\w+)/$", item)]
    urlpatterns = [
        path("", index),
        path("items/<int:pk>/", item),
        path("nested/<str:owner>/", include((inner, "inner"), namespace="inner")),
        re_path(r"^regex/(?P<pk>\\d+)\\.html$", item),
        re_path(r"^optional/?$", index),
        re_path(r"^documents/(\\d+)/(.*)$", item),
        re_path(r"^wiki/((?:[\\w\\-]+/)*)$", item),
        re_path(r"^files/(?P<name>[\\w.-]+)/(?P<rest>[^/]+)$", item),
        path("both/", both),
        path("account/", account),
        path("public/", public),
        path("thing/", Thing.as_view()),
        path("mixed/", Mixed.as_view()),
        path("decorated/", Decorated.as_view()),
        path("admin/", admin.site.urls),
        path("static/<path:path>", serve),
    ]
    from pinchpoint_probe import routes
    print(json.dumps(routes.read(app)))
"""


def read(probe: Probe, middleware: str = "[]") -> Any:
    return json.loads(probe.run(SITE.replace("=MIDDLEWARE", f"={middleware}")))


@pytest.fixture(scope="module")
def table(shared_probe: Probe) -> Any:
    return read(shared_probe)


def test_lists_routes_but_not_static_files(table: Any) -> None:
    assert table["framework"] == "django"
    found = [(route["method"], route["path"]) for route in table["routes"]]
    assert [pair for pair in found if not pair[1].startswith("/admin/")] == [
        ("GET", "/"),
        ("GET", "/items/{pk}/"),
        ("GET", "/nested/{owner}/{key}/{slug}/{rest}"),
        ("GET", "/nested/{owner}/old/{year}/{name}/"),
        ("GET", "/regex/{pk}.html"),
        ("GET", "/optional"),
        ("GET", "/documents/{_0}/{_1}"),
        ("GET", "/wiki/{_0}"),
        ("GET", "/files/{name}/{rest}"),
        ("GET", "/both/"),
        ("POST", "/both/"),
        ("GET", "/account/"),
        ("GET", "/public/"),
        ("GET", "/thing/"),
        ("POST", "/thing/"),
        ("GET", "/mixed/"),
        ("GET", "/decorated/"),
    ]


def test_knows_the_kinds_of_parameters(table: Any) -> None:
    kinds = {
        route["path"]: {one["name"]: one["kind"] for one in route["parameters"]}
        for route in table["routes"]
    }
    assert kinds["/items/{pk}/"] == {"pk": "int"}
    assert kinds["/regex/{pk}.html"] == {"pk": "int"}
    assert kinds["/nested/{owner}/{key}/{slug}/{rest}"] == {
        "owner": "str",
        "key": "uuid",
        "slug": "slug",
        "rest": "path",
    }
    assert kinds["/documents/{_0}/{_1}"] == {"_0": "int", "_1": "path"}
    assert kinds["/wiki/{_0}"] == {"_0": "path"}
    assert kinds["/files/{name}/{rest}"] == {"name": "str", "rest": "str"}
    assert kinds["/nested/{owner}/old/{year}/{name}/"] == {
        "owner": "str",
        "year": "int",
        "name": "str",
    }


def test_names_handlers(table: Any) -> None:
    handlers = {route["path"]: route["handler"] for route in table["routes"]}
    assert handlers["/items/{pk}/"] == "__main__.item"
    assert handlers["/thing/"] == "__main__.Thing"


def test_knows_what_needs_a_login(table: Any) -> None:
    needing = {route["path"] for route in table["routes"] if route["needs_login"]}
    assert {path for path in needing if not path.startswith("/admin/")} == {
        "/account/",
        "/mixed/",
        "/decorated/",
    }
    assert "/admin/" in needing


def test_a_middleware_may_require_a_login_for_all(probe: Probe) -> None:
    middleware = "['django.contrib.auth.middleware.LoginRequiredMiddleware']"
    routes = read(probe, middleware)["routes"]
    open_to_all = {route["path"] for route in routes if not route["needs_login"]}
    assert "/public/" in open_to_all
    assert "/items/{pk}/" not in open_to_all


def test_groups_of_an_included_pattern_are_counted_on(probe: Probe) -> None:
    nested = """re_path(r"^a/(x|y)/", include([re_path(r"^(\\d+)/$", item)])),"""
    table = json.loads(
        probe.run(SITE.replace("=MIDDLEWARE", "=[]").replace('path("both/", both),', nested))
    )
    (route,) = [route for route in table["routes"] if route["path"].startswith("/a/")]
    assert route["path"] == "/a/{_0}/{_1}/"
    assert [one["kind"] for one in route["parameters"]] == ["str", "int"]
