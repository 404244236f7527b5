"""A sick app to try the tool on: a shop with four planted bottlenecks, its data and its partner."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the shop is started: first on its module path."""

TARGET = "shop.main:app"
RATES = FOLDER / "rates.py"
"""`python rates.py --port N` answers for the partner that the shop calls at RATES_URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A bottleneck that was put into an app on purpose.

    Attributes:
        code: Of the finding that names it.
        endpoint: `GET /orders`.
        file: Relative to the folder in which the app is started.
        function: The outermost function around the guilty line.
        contains: A text that, within the function, stands on the guilty line only.
    """

    code: str
    endpoint: str
    file: str
    function: str
    contains: str

    def line(self, folder: Path = FOLDER) -> int:
        """The guilty line's number.

        Raises:
            ValueError: No line of the function, or more than one, has the text.
        """
        source = (folder / self.file).read_text(encoding="utf-8")
        lines = source.splitlines()
        found = [
            number
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == self.function
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if self.contains in lines[number - 1]
        ]
        if len(found) != 1:
            raise ValueError(f"'{self.contains}' is on {len(found)} lines of {self.function}()")
        return found[0]


PLANTED = (
    Planted(
        code="DB001",
        endpoint="GET /orders",
        file="shop/main.py",
        function="latest_orders",
        contains="order.customer.name",
    ),
    Planted(
        code="DB002",
        endpoint="GET /customers/{customer_id}/orders",
        file="shop/main.py",
        function="customer_orders",
        contains="session.scalars(",
    ),
    Planted(
        code="PL002",
        endpoint="GET /products/{product_id}/quote",
        file="shop/main.py",
        function="quote_product",
        contains="partner.get(",
    ),
    Planted(
        code="AS001",
        endpoint="GET /currencies",
        file="shop/main.py",
        function="list_currencies",
        contains="partner.get(",
    ),
)
