"""Servers in C call the framework itself: its requests begin there, and only under such servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import reading
from running import TOKEN

if TYPE_CHECKING:
    from running import Probe

FRAMEWORKS = {
    "flask": """
        from flask import Flask
        app = Flask("shop")
        app.add_url_rule("/<name>", view_func=lambda name: "ok", endpoint="greet")
        """,
    "django": """
        from django.conf import settings
        from django.http import HttpResponse
        from django.urls import path
        urlpatterns = [path("<str:name>", lambda request, name: HttpResponse("ok"))]
        settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
        from django.core.wsgi import get_wsgi_application
        app = get_wsgi_application()
        """,
}
CALL = """
        from wsgiref.util import setup_testing_defaults
        def call(**headers):
            environ = {"PATH_INFO": "/me", **headers}
            setup_testing_defaults(environ)
            return b"".join(app(environ, lambda *_: None))
        assert call(HTTP_X_PINCHPOINT="7-1") == b"ok"
        answer = call(HTTP_X_PINCHPOINT_COMMAND="TOKEN routes")
        print(answer.decode() if answer.startswith(b"{") else "{}")
        """.replace("TOKEN", TOKEN)


@pytest.mark.parametrize(("server", "framework"), [("uwsgi", "flask"), ("mod_wsgi", "django")])
def test_requests_begin_at_the_framework(probe: Probe, server: str, framework: str) -> None:
    begin = f"""
        import sys, types
        sys.modules["{server}"] = types.ModuleType("{server}")
        """
    answer = json.loads(probe.run(begin + FRAMEWORKS[framework] + CALL))
    assert (answer["framework"], bool(answer["routes"])) == (framework, True)
    (request,) = reading.requests(probe.folder)
    assert (request.trace, request.name) == (7, "GET /{name}")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_elsewhere_the_server_is_the_entry(probe: Probe, framework: str) -> None:
    assert probe.run(FRAMEWORKS[framework] + CALL) == "{}"
    assert reading.requests(probe.folder) == []
