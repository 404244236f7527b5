"""A shop with four mistakes that tests and reviews let through.

Each answer is right and each endpoint is quick when it is tried alone. Under load:

- one endpoint sends 26 statements where one would do;
- one reads a whole table to find ten rows;
- one keeps a database connection while it waits for somebody else;
- one stops the event loop, and with it every other request.

Read on and guess which, or run `pinchpoint demo` and be told with file and line.
"""

import os
from datetime import date

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from .database import Customer, Order, Product, open_session

app = FastAPI(title="shop")
partner = httpx.Client(base_url=os.environ["RATES_URL"])


class ProductView(BaseModel):
    """A product in the catalogue."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price_cents: int


class OrderView(BaseModel):
    """An order in a list."""

    id: int
    customer: str
    quantity: int
    placed_on: date


class QuoteView(BaseModel):
    """A price in another currency."""

    product: str
    currency: str
    price: float


@app.get("/products")
def list_products() -> list[ProductView]:
    with open_session() as session:
        products = session.scalars(select(Product).order_by(Product.id).limit(20))
        return [ProductView.model_validate(product) for product in products]


@app.get("/products/{product_id}")
def show_product(product_id: int) -> ProductView:
    with open_session() as session:
        return ProductView.model_validate(find_product(session, product_id))


@app.get("/products/{product_id}/quote")
def quote_product(product_id: int) -> QuoteView:
    with open_session() as session:
        product = find_product(session, product_id)
        rate = partner.get("/rates/USD").json()["rate"]
        price = round(product.price_cents / 100 * rate, 2)
        return QuoteView(product=product.name, currency="USD", price=price)


@app.get("/orders")
def latest_orders() -> list[OrderView]:
    with open_session() as session:
        orders = session.scalars(select(Order).order_by(Order.id.desc()).limit(25))
        return [
            OrderView(
                id=order.id,
                customer=order.customer.name,
                quantity=order.quantity,
                placed_on=order.placed_on,
            )
            for order in orders
        ]


@app.get("/customers/{customer_id}/orders")
def customer_orders(customer_id: int) -> list[OrderView]:
    with open_session() as session:
        customer = session.get(Customer, customer_id)
        if customer is None:
            raise HTTPException(404, "no such customer")
        orders = session.scalars(
            select(Order).where(Order.customer_id == customer_id).order_by(Order.id),
        )
        return [
            OrderView(
                id=order.id,
                customer=customer.name,
                quantity=order.quantity,
                placed_on=order.placed_on,
            )
            for order in orders
        ]


@app.get("/currencies")
async def list_currencies() -> list[str]:
    currencies: list[str] = partner.get("/currencies").json()
    return currencies


def find_product(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise HTTPException(404, "no such product")
    return product
