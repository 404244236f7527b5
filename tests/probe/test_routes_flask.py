"""The route table of a Flask application."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import Probe

FLASK_LOGIN = """
    import functools
    def fresh(view):
        @functools.wraps(view)
        def decorated_view():
            return view()
        return decorated_view
"""
APP = """
    import functools, json
    import flask_login
    from flask import Blueprint, Flask
    from flask.views import MethodView
    from werkzeug.middleware.proxy_fix import ProxyFix

    def login_required(view):
        @functools.wraps(view)
        def wrapped(*args, **kwargs):
            return view(*args, **kwargs)
        return wrapped

    app = Flask(__name__)
    shop = Blueprint("shop", __name__, url_prefix="/shop", static_folder="static")

    @app.get("/")
    def index(): ...

    @shop.route("/items/<int:item_id>", methods=["GET", "POST"])
    def item(item_id): ...

    @app.get("/all/<name>/<uuid:key>/<float:price>/<path:rest>"
             "/<any(b, a):choice>/<string(length=2):lang>")
    def kinds(**_): ...

    @app.get("/account")
    @login_required
    def account(): ...

    @app.get("/fresh")
    @flask_login.fresh
    def fresh(): ...

    class Things(MethodView):
        def get(self): ...
        def delete(self): ...

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    app.register_blueprint(shop)
    app.wsgi_app = ProxyFix(app.wsgi_app)

    def middleware(environ, start_response):
        return app(environ, start_response)

    class Middleware:
        def __init__(self, app): self.app = app
        def __call__(self, *arguments): return self.app(*arguments)

    from pinchpoint_probe import routes
    print(json.dumps(routes.read(Middleware(middleware))))
"""


@pytest.fixture(scope="module")
def table(shared_probe: Probe) -> Any:
    shared_probe.write("flask_login.py", FLASK_LOGIN)
    return json.loads(shared_probe.run(APP))


def test_lists_routes_but_not_static_files(table: Any) -> None:
    assert table["framework"] == "flask"
    assert sorted((route["method"], route["path"]) for route in table["routes"]) == [
        ("DELETE", "/things"),
        ("GET", "/"),
        ("GET", "/account"),
        ("GET", "/all/{name}/{key}/{price}/{rest}/{choice}/{lang}"),
        ("GET", "/fresh"),
        ("GET", "/shop/items/{item_id}"),
        ("GET", "/things"),
        ("POST", "/shop/items/{item_id}"),
    ]


def test_names_handlers(table: Any) -> None:
    handlers = {route["path"]: route["handler"] for route in table["routes"]}
    assert handlers["/shop/items/{item_id}"] == "__main__.item"
    assert handlers["/things"] == "__main__.Things"


def test_knows_the_kinds_of_parameters(table: Any) -> None:
    (route,) = [route for route in table["routes"] if route["path"].startswith("/all")]
    kinds = {parameter["name"]: parameter["kind"] for parameter in route["parameters"]}
    assert kinds == {
        "name": "str",
        "key": "uuid",
        "price": "float",
        "rest": "path",
        "choice": "any",
        "lang": "str",
    }
    examples = {parameter["name"]: parameter["example"] for parameter in route["parameters"]}
    assert examples["choice"] == "a"


def test_knows_what_needs_a_login(table: Any) -> None:
    needing = {route["path"] for route in table["routes"] if route["needs_login"]}
    assert needing == {"/account", "/fresh"}


def test_an_application_of_another_kind_has_no_routes(probe: Probe) -> None:
    code = """
    import json
    from pinchpoint_probe import routes
    print(json.dumps(routes.read(lambda environ, start_response: [])))
    """
    assert json.loads(probe.run(code)) == {"framework": "unknown", "routes": []}


@pytest.mark.parametrize("is_debug", [True, False])
def test_says_whether_it_runs_in_debug_mode(probe: Probe, *, is_debug: bool) -> None:
    code = f"""
        from flask import Flask
        app = Flask(__name__)
        app.debug = {is_debug}
        from pinchpoint_probe import routes
        print(routes.is_debug(app.wsgi_app))
    """
    assert probe.run(code) == str(is_debug)
