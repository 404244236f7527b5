"""The catalogue of a town's library."""

import os

from flask import Flask, abort, jsonify
from models import Book, Loan, Member
from sqlalchemy import create_engine, select
from sqlalchemy.orm import scoped_session, sessionmaker

db = scoped_session(sessionmaker())


def create_app():
    app = Flask(__name__)
    db.configure(bind=create_engine(os.environ["DATABASE_URL"]))
    app.teardown_appcontext(lambda _error: db.remove())
    app.add_url_rule("/books", view_func=books)
    app.add_url_rule("/books/<int:book_id>", view_func=book)
    app.add_url_rule("/members", view_func=members)
    app.add_url_rule("/members/<int:member_id>/loans", view_func=loans)
    return app


def books():
    newest = db.scalars(select(Book).order_by(Book.id.desc()).limit(30)).all()
    return jsonify([book.summary() for book in newest])


def book(book_id):
    found = db.get(Book, book_id) or abort(404)
    return jsonify(found.summary())


def members():
    first = db.scalars(select(Member).order_by(Member.id).limit(20)).all()
    return jsonify([{"id": member.id, "name": member.name} for member in first])


def loans(member_id):
    member = db.get(Member, member_id) or abort(404)
    query = select(Loan).filter_by(member_id=member.id).order_by(Loan.due_on, Loan.id)
    open_loans = db.scalars(query).all()
    due = [{"book": loan.book_id, "due_on": loan.due_on.isoformat()} for loan in open_loans]
    return jsonify({"member": member.name, "loans": due})
