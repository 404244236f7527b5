"""Tables and sessions."""

import os
from datetime import date

from sqlalchemy import ForeignKey, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")
engine = create_engine(url, pool_size=3, max_overflow=0)

# Opened inside the endpoints: FastAPI keeps a session of Depends() through serialization, which
# needs a thread. With all threads waiting for the sessions, both would wait for each other.
open_session = sessionmaker(engine)


class Base(DeclarativeBase):
    """All tables."""


class Customer(Base):
    """Who buys."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str]


class Product(Base):
    """What is sold."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price_cents: Mapped[int]


class Order(Base):
    """One product, bought by one customer."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    placed_on: Mapped[date]
    address: Mapped[str]
    customer: Mapped[Customer] = relationship()
