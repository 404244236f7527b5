"""Reports as runs would give them: a sick shop, a healthy one and a void run."""

from __future__ import annotations

from dataclasses import replace

from pinchpoint.model.budget import BlameEntry, Budget
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.finding import Evidence, Finding, Location, Status, Victim
from pinchpoint.model.recording import Plan, ProbeState
from pinchpoint.model.report import Quality, Report, RuledOut, WallPoint
from pinchpoint.model.span import Category
from pinchpoint.model.trial import Change, Effect, Trial, Verdict
from pinchpoint.model.workload import SkippedRoute

MAIN = """\
@app.get("/products/{product_id}/quote")
def quote_product(product_id: int) -> QuoteView:
    with open_session() as session:
        product = find_product(session, product_id)
        rate = partner.get("/rates/USD").json()["rate"]
        return QuoteView(product=product.name, price=round(product.price_cents * rate / 100, 2))


@app.get("/orders")
def latest_orders() -> list[OrderView]:
    with open_session() as session:
        orders = session.scalars(select(Order).order_by(Order.id.desc()).limit(25))
        return [OrderView(id=order.id, customer=order.customer.name) for order in orders]


@app.get("/report")
async def report() -> Summary:
    return Summary(**httpx.get(REPORT_URL).json())
"""
"""The shop's `main.py`; tests that want code frames write it to a directory."""

QUOTE, ORDERS, OF_CUSTOMER = (
    "GET /products/{product_id}/quote",
    "GET /orders",
    "GET /customers/{customer_id}/orders",
)
PRODUCTS, PRODUCT, REPORT = "GET /products", "GET /products/{product_id}", "GET /report"
STATEMENT = "SELECT id, placed_on FROM orders WHERE customer_id = %(customer_id)s"


def effect(
    ratio: float, low: float, high: float, *, pairs: int = 12, baseline: float = 62
) -> Effect:
    return Effect(
        metric="throughput",
        ratio=ratio,
        low_ratio=low,
        high_ratio=high,
        confidence_ratio=0.99,
        pairs=pairs,
        baseline=baseline,
        changed=baseline * ratio,
    )


def ms(**parts: float) -> dict[Category, float]:
    """Parts in milliseconds, as seconds."""
    return {Category(name): value / 1e3 for name, value in parts.items()}


def budget(endpoint: str, requests: int, **parts: float) -> Budget:
    return Budget(
        endpoint=endpoint,
        requests=requests,
        response_time_s=sum(parts.values()) / 1e3,
        parts_s=ms(**parts),
    )


def point(rate_rps: float, done_rps: float, p50: float, p99: float, **parts: float) -> WallPoint:
    return WallPoint(
        rate_rps=rate_rps,
        throughput_rps=done_rps,
        p50_s=p50 / 1e3,
        p99_s=p99 / 1e3,
        parts_s={name: value / 1e3 for name, value in parts.items()},
    )


HOLD = Finding(
    code="PL002",
    title="A connection is held during a call to another service",
    endpoint=QUOTE,
    status=Status.PROVEN,
    share_ratio=0.93,
    mix_share_ratio=0.41,
    location=Location(file="main.py", line=5, function="quote_product"),
    evidence=(
        Evidence(statement="the connection is idle for 98 % of the 182 ms that it is held"),
        Evidence(statement="all 5 connections of the pool are out", value=0.97, unit="ratio"),
    ),
    victims=(Victim(endpoint=PRODUCT, wait_s=41.3), Victim(endpoint=ORDERS, wait_s=22.8)),
    advice="Call the partner before the session is opened, or after it is closed.",
)
N_PLUS_ONE = Finding(
    code="DB001",
    title="N+1: 25 x SELECT customers for one list",
    endpoint=ORDERS,
    status=Status.PREDICTED,
    share_ratio=0.48,
    mix_share_ratio=0.09,
    location=Location(file="main.py", line=13, function="latest_orders"),
    evidence=(Evidence(statement="26 statements per request, 25 of them alike"),),
    advice="Load the customers with the orders: select(Order).options(joinedload(Order.customer)).",
)
INDEX = Finding(
    code="DB002",
    title="Missing index on orders.customer_id",
    endpoint=OF_CUSTOMER,
    status=Status.PROVEN,
    share_ratio=0.71,
    evidence=(Evidence(statement="reads 200,000 rows to keep 15"),),
    advice="Create an index on orders (customer_id).",
    parameters={"table": "orders", "columns": "customer_id", "statement": STATEMENT},
)
BLOCKING = Finding(
    code="AS001",
    title="A blocking call stops the event loop",
    endpoint=REPORT,
    status=Status.SUSPECTED,
    share_ratio=0.12,
    location=Location(file="main.py", line=18, function="report"),
    evidence=(
        Evidence(statement="httpx.get runs on the event loop's thread", value=0.031, unit="s"),
    ),
    advice="Await httpx.AsyncClient, or make the endpoint a plain def.",
)

HOLD_TRIAL = Trial(
    change=Change(
        fix="release_early",
        advice="Give the connection back before the call",
        finding="PL002",
        parameters={"endpoint": QUOTE},
    ),
    verdict=Verdict.IMPROVED,
    effects=(effect(3.13, 2.91, 3.36),),
    same_answers=True,
    block_rates=tuple(
        (62 + shift, 194 - 3 * shift) for shift in (0, 1.4, -0.8, 2.1, -1.9, 0.3, 0.9, -1.1, 1.6, 0)
    ),
    endpoints={QUOTE: 0.99, PRODUCT: 0.11, ORDERS: 0.2},
)
INDEX_TRIAL = Trial(
    change=Change(
        fix="create_index",
        advice="Create an index on orders (customer_id)",
        finding="DB002",
        parameters={"endpoint": OF_CUSTOMER},
    ),
    verdict=Verdict.IMPROVED,
    effects=(effect(1.31, 1.22, 1.4, pairs=9),),
    same_answers=True,
    on_clone=True,
    block_rates=((61, 80), (63, 82.5), (62, 81), (60.5, 80), (62, 80.7), (63.1, 83)),
    endpoints={OF_CUSTOMER: 0.3},
)
WORKERS_TRIAL = Trial(
    change=Change(fix="workers", advice="Run 4 workers instead of 2"),
    verdict=Verdict.EQUIVALENT,
    effects=(effect(1.01, 0.97, 1.05, pairs=14),),
    same_answers=True,
    block_rates=((62, 62.4), (61, 62), (63, 62.7), (62, 62)),
)

SICK = Report(
    run_id="2026-11-22T102431",
    title="shop.main:app (FastAPI 0.121, uvicorn x2, PostgreSQL 18)",
    capacity=Capacity(
        rate_rps=62.3,
        low_rps=58.4,
        high_rps=65.1,
        in_flight=32,
        state=CapacityState.SATURATED,
        sustained_rps=56,
        wall="the pool of 5 database connections",
        next_wall="CPU of the application's workers",
        next_wall_rps=231,
    ),
    budgets=(
        budget(
            "*", 1402, queue=12, pool_wait=402, sql=38, outbound=41, app=9, framework=4, response=2
        ),
        budget(
            QUOTE, 240, queue=11, pool_wait=380, sql=3, outbound=182, app=3, framework=4, response=1
        ),
        budget(
            ORDERS,
            230,
            queue=13,
            pool_wait=410,
            sql=104,
            app=31,
            framework=4,
            serialize=6,
            response=2,
        ),
        budget(OF_CUSTOMER, 231, queue=12, pool_wait=405, sql=84, app=4, framework=4, response=1),
        budget(
            PRODUCTS,
            236,
            queue=12,
            pool_wait=398,
            sql=4,
            app=5,
            framework=4,
            serialize=9,
            response=2,
        ),
        budget(PRODUCT, 233, queue=12, pool_wait=409, sql=2, app=2, framework=4, unattributed=4),
        budget(REPORT, 232, queue=40, outbound=31, app=1, framework=4, response=1),
    ),
    findings=(HOLD, INDEX, N_PLUS_ONE, BLOCKING),
    trials=(HOLD_TRIAL, INDEX_TRIAL, WORKERS_TRIAL),
    blame=(
        BlameEntry(
            victim=PRODUCT,
            holder=QUOTE,
            resource="pool 5+0 of postgresql",
            site="main.py:5:quote_product",
            wait_s=41.3,
            victims=190,
        ),
        BlameEntry(
            victim=ORDERS,
            holder=QUOTE,
            resource="pool 5+0 of postgresql",
            site="main.py:5:quote_product",
            wait_s=22.8,
            victims=171,
        ),
        BlameEntry(
            victim=QUOTE,
            holder=QUOTE,
            resource="pool 5+0 of postgresql",
            site="main.py:5:quote_product",
            wait_s=19.4,
            victims=160,
        ),
        BlameEntry(
            victim=PRODUCT,
            holder=ORDERS,
            resource="pool 5+0 of postgresql",
            site="main.py:13:latest_orders",
            wait_s=9.7,
            victims=88,
        ),
        BlameEntry(
            victim=PRODUCTS,
            holder=REPORT,
            resource="event loop",
            site="main.py:18:report",
            wait_s=4.2,
            victims=61,
        ),
    ),
    wall_points=(
        point(
            10,
            10,
            9,
            190,
            queue=1,
            pool_wait=0,
            sql=31,
            outbound=30,
            app=8,
            framework=4,
            response=1,
        ),
        point(
            20,
            20,
            10,
            195,
            queue=1,
            pool_wait=1,
            sql=32,
            outbound=30,
            app=8,
            framework=4,
            response=1,
        ),
        point(
            40,
            40,
            16,
            260,
            queue=2,
            pool_wait=19,
            sql=34,
            outbound=31,
            app=8,
            framework=4,
            response=1,
        ),
        point(
            56,
            55.8,
            310,
            1240,
            queue=12,
            pool_wait=402,
            sql=38,
            outbound=41,
            app=9,
            framework=4,
            response=2,
        ),
        point(
            70,
            61.9,
            1450,
            2900,
            queue=60,
            pool_wait=1380,
            sql=40,
            outbound=41,
            app=9,
            framework=4,
            response=2,
        ),
    ),
    ruled_out=(
        RuledOut(name="workers 2 -> 4", reason="x1.01 (0.97 to 1.05)"),
        RuledOut(name="framework", reason="1.3 % of the response time"),
        RuledOut(name="garbage collection", reason="0.2 % of CPU"),
    ),
    skipped=(
        SkippedRoute(endpoint="POST /orders", reason="it writes"),
        SkippedRoute(endpoint="DELETE /orders/{order_id}", reason="it writes"),
        SkippedRoute(endpoint="POST /products", reason="it writes"),
        SkippedRoute(endpoint="GET /me", reason="it needs a login"),
    ),
    plans=(
        Plan(
            statement=STATEMENT,
            system="postgresql",
            lines=(
                "Seq Scan on orders  (rows=15)",
                "  Filter: (customer_id = $1)",
                "  Rows Removed by Filter: 199985",
            ),
        ),
    ),
    quality=Quality(
        null_effect=effect(1.003, 0.989, 1.014, pairs=8),
        probe_overhead_ratio=0.021,
        generator_cpu_ratio=0.04,
        lag_p99_s=0.0004,
        warnings=(
            "the mix is a guess: every route equally often",
            "PostgreSQL runs on the same machine",
        ),
    ),
    probe=ProbeState(hooked={"fastapi": "0.121.0", "psycopg": "3.2.12"}, workers=(4711, 4712)),
    summary=(
        "6 GET routes from the route table, 41 real ids from the database, equally often",
        "56 req/s for 25 s, 1,402 requests",
    ),
    environment={
        "pinchpoint": "0.1.0",
        "machine": "Linux 6.12 x86_64",
        "cores": "2",
        "python": "3.13.1",
    },
    elapsed_s={"up": 2.1, "first_finding": 9.4, "verdict": 71.2, "report": 118.0},
    command="check shop.main:app",
)

HEALTHY = replace(
    SICK,
    title="tidy.wsgi:app (Flask 3.1, gunicorn x4)",
    capacity=replace(SICK.capacity, rate_rps=1842, low_rps=1810, high_rps=1871, wall="CPU"),
    budgets=(budget("*", 9000, queue=0.4, sql=0.9, app=0.8, framework=0.5, template=0.6),),
    findings=(),
    trials=(),
    blame=(),
    wall_points=(point(1650, 1650, 2.4, 9.1, queue=0.4, sql=0.9, app=0.8, framework=0.5),),
    skipped=(),
    plans=(),
    quality=Quality(null_effect=effect(0.999, 0.992, 1.006), probe_overhead_ratio=0.03),
)

VOID = replace(
    SICK,
    quality=replace(
        SICK.quality,
        violations=(
            "Little's law: the probe saw 31.2 requests in flight, the client's figures say 19.8",
            "the generator lagged: p99 41 ms, allowed 12 ms",
        ),
    ),
)
