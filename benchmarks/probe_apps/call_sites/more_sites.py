"""The model and the second file of the corpus in Flask."""

from __future__ import annotations

import functools
import os

from sqlalchemy import ForeignKey, create_engine, orm, select

engine = create_engine(os.environ["SITES_URL"])
session = orm.scoped_session(orm.sessionmaker(engine))


class Base(orm.DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    items: orm.Mapped[list[Item]] = orm.relationship(back_populates="owner")


class Item(Base):
    __tablename__ = "item"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    owner_id: orm.Mapped[int] = orm.mapped_column(ForeignKey("owner.id"))
    owner: orm.Mapped[Owner] = orm.relationship(back_populates="items")

    @property
    def owner_name(self):
        return self.owner.name  # site: relation_of_the_model validated


FIRST = select(Item.name).where(Item.id == 1)


def create():
    Base.metadata.create_all(engine)
    with orm.Session(engine) as one:
        one.add_all(Owner(name="x", items=[Item(name=f"y{number}")]) for number in range(2))
        one.commit()


def helper():
    return session.scalar(FIRST)  # site: helper


def names():
    for _ in range(2):
        yield session.scalar(FIRST)  # site: generator_of_another_file


@functools.lru_cache
def remembered():
    return session.scalar(FIRST)  # site: remembered


def in_thread():
    with orm.Session(engine) as own:
        return own.scalar(FIRST)  # site: thread
