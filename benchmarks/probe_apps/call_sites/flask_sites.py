"""Ways in which a statement comes about in a Flask app on SQLAlchemy; each has marked lines."""

from __future__ import annotations

import functools
import operator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import flask
import more_sites
from flask.views import MethodView
from more_sites import FIRST, Item, Owner, session
from sqlalchemy import event, select

app = flask.Flask(__name__)
more_sites.create()


@app.get("/plain")
def plain():
    return session.scalar(FIRST)  # site: plain


@app.get("/several_lines")
def several_lines():
    return flask.jsonify(
        session.scalars(  # site: several_lines
            select(Item.name).where(
                Item.id > 1,
                Item.id < 5,
            )
        ).all()
    )


@app.get("/list_comprehension")
def list_comprehension():
    return [session.scalar(FIRST) for _ in range(2)]  # site: list_comprehension


@app.get("/dict_comprehension")
def dict_comprehension():
    return {
        str(number): session.scalar(FIRST)  # site: dict_comprehension
        for number in range(2)
    }


@app.get("/generator_expression")
def generator_expression():
    return list(session.scalar(FIRST) for _ in range(2))  # noqa: C400  # site: generator_expression


@app.get("/generator")
def generator():
    def names():
        yield session.scalar(FIRST)  # site: generator

    return list(names())


@app.get("/generator_of_another_file")
def generator_of_another_file():
    return list(more_sites.names())


@app.get("/helper")
def helper():
    return more_sites.helper()


@app.get("/remembered")
def remembered():
    more_sites.remembered.cache_clear()
    return more_sites.remembered()


def with_name(function):
    @functools.wraps(function)
    def call():
        session.scalar(FIRST)  # site: decorator
        return function()

    return call


@app.get("/decorator")
@with_name
def decorator():
    return session.scalar(FIRST)  # site: decorator


@contextmanager
def named():
    yield session.scalar(FIRST)  # site: context_manager
    session.scalar(FIRST)  # site: context_manager


@app.get("/context_manager")
def context_manager():
    with named() as name:
        return name


class Named:
    def __enter__(self):
        return session.scalar(FIRST)  # site: context_class

    def __exit__(self, *_):
        session.scalar(FIRST)  # site: context_class

    @property
    def name(self):
        return session.scalar(FIRST)  # site: property

    def __iter__(self):
        return iter(session.scalars(FIRST).all())  # site: iteration


@app.get("/context_class")
def context_class():
    with Named() as name:
        return name


@app.get("/property")
def get_property():
    return Named().name


@app.get("/iteration")
def iteration():
    return list(Named())


app.add_url_rule("/lambda", view_func=lambda: session.scalar(FIRST), endpoint="x")  # site: lambda


@app.get("/sort_key")
def sort_key():
    return sorted((2, 1), key=lambda _: session.scalar(FIRST))  # site: sort_key


@app.get("/partial")
def partial():
    first = functools.partial(session.scalar, FIRST)
    return first()  # site: partial


@app.get("/mapped")
def mapped():
    return list(map(session.scalar, (FIRST, FIRST)))  # site: mapped


class Items(MethodView):
    def get(self):
        return session.scalar(FIRST)  # site: class_based


app.add_url_rule("/class_based", view_func=Items.as_view("items"))


@app.get("/lazy_relation")
def lazy_relation():
    item = session.get(Item, 1)  # site: lazy_relation
    return item.owner.name  # site: lazy_relation


@app.get("/lazy_collection")
def lazy_collection():
    owners = session.scalars(select(Owner)).all()  # site: lazy_collection
    return [
        item.name
        for owner in owners
        for item in owner.items  # site: lazy_collection
    ]


@app.get("/attribute_getter")
def attribute_getter():
    owners = session.scalars(select(Owner)).all()  # site: attribute_getter
    items_of = operator.attrgetter("items")
    return [len(items) for items in map(items_of, owners)]  # site: attribute_getter


@app.get("/relation_of_the_model")
def relation_of_the_model():
    return session.get(Item, 1).owner_name  # site: relation_of_the_model


@app.get("/flushed")
def flushed():
    session.add(Item(name="new", owner_id=1))
    found = session.scalars(FIRST).all()  # site: flushed
    session.rollback()
    return found


@app.get("/template_lazy")
def template_lazy():
    items = session.scalars(select(Item)).all()  # site: template_lazy
    return flask.render_template("lazy.html", items=items)


@app.get("/template_function")
def template_function():
    ask = lambda: session.scalar(FIRST)  # noqa: E731  # site: template_function
    return flask.render_template("function.html", first=ask)


@app.get("/template_macro")
def template_macro():
    items = session.scalars(select(Item)).all()  # site: template_macro
    return flask.render_template("macro.html", items=items)


@app.get("/template_text")
def template_text():
    items = session.scalars(select(Item)).all()  # site: template_text
    text = "{% for item in items %}{{ item.owner.name }}{% endfor %}"
    return flask.render_template_string(text, items=items)  # site: template_text


@app.template_filter("first_name")
def first_name(_):
    return session.scalar(FIRST)  # site: template_filter


@app.get("/template_filter")
def template_filter():
    return flask.render_template_string("{{ 1 | first_name }}")


@app.get("/thread")
def thread():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(more_sites.in_thread).result()


@app.get("/streamed")
def streamed():
    def lines():
        yield session.scalar(FIRST)  # site: streamed

    return flask.Response(lines())


@app.get("/recursion")
def recursion():
    return descend(30)


def descend(depth):
    return descend(depth - 1) if depth else session.scalar(FIRST)  # site: recursion


@app.get("/error_handler")
def error_handler():
    raise ZeroDivisionError


@app.errorhandler(ZeroDivisionError)
def handle(_):
    return session.scalar(FIRST)  # site: error_handler


@app.before_request
def before():
    if flask.request.path == "/before_request":
        session.scalar(FIRST)  # site: before_request


@app.get("/before_request")
def before_request():
    return "ok"


@event.listens_for(Item, "load")
def loaded(item, _):
    if flask.request.path == "/event":
        session.scalar(FIRST)  # site: event


@app.get("/event")
def get_event():
    return session.get(Item, 1).name  # site: event


@app.teardown_request
def forget(_):
    session.remove()
