"""Each fix changes what it says, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, QueuePool

from pinchpoint.model.app import Deployment
from pinchpoint.model.finding import Evidence, Finding
from pinchpoint.prove.fixes import create_index, more_workers, resize_pool
from pinchpoint_probe import patching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

URL = "postgresql+psycopg://localhost/shop"


def candidates(fix: ModuleType, code: str, **parameters: str) -> list[dict[str, str]]:
    found = Finding(
        code=code,
        title="A bottleneck",
        endpoint="GET /",
        share_ratio=0.5,
        evidence=(Evidence(statement="seen"),),
        parameters=parameters,
    )
    return [change for _, change in fix.candidates(found)]


@pytest.fixture
def resized() -> Iterator[None]:
    mark = patching.mark()
    resize_pool.patch({"pool_size": "30"})
    yield
    patching.restore(mark)


def total(engine: Any) -> tuple[int, int]:
    return engine.pool.size(), engine.pool._max_overflow


def test_an_index_is_created_with_quoted_names_and_analyzed() -> None:
    assert create_index.migrate({"table": "sales.Orders", "columns": 'customer_id, odd"name'}) == [
        (
            'CREATE INDEX "pinchpoint_Orders_customer_id_odd""name_idx" '
            'ON "sales"."Orders" ("customer_id", "odd""name")'
        ),
        'ANALYZE "sales"."Orders"',
    ]


def test_an_index_takes_the_columns_of_the_finding() -> None:
    assert candidates(create_index, "DB002", table="orders", columns="a,b", system="sqlite") == [
        {"table": "orders", "columns": "a, b"}
    ]


def test_without_known_columns_there_is_no_index_to_try() -> None:
    assert candidates(create_index, "DB002", table="orders") == []


def test_workers_are_doubled() -> None:
    (parameters,) = candidates(more_workers, "SV001", workers="2")
    deployment = Deployment(server="gunicorn", workers=2, threads=3)
    assert more_workers.redeploy(deployment, parameters) == Deployment(
        server="gunicorn", workers=4, threads=3
    )


def test_workers_are_not_guessed() -> None:
    assert candidates(more_workers, "SV001") == []


@pytest.mark.parametrize(
    ("code", "workers", "size"),
    [("PL001", "1", "30"), ("PL002", "1", "60"), ("PL002", "2", "40"), ("PL001", "4", "20")],
)
def test_a_pool_grows_as_far_as_the_server_allows(code: str, workers: str, size: str) -> None:
    found = candidates(resize_pool, code, pool_size="5", max_overflow="10", workers=workers)
    assert found == [{"pool_size": size}]


def test_a_pool_that_cannot_grow_is_left_alone() -> None:
    assert candidates(resize_pool, "PL001", pool_size="5", max_overflow="10", workers="8") == []


@pytest.mark.usefixtures("resized")
def test_pools_of_engines_are_resized() -> None:
    assert total(create_engine(URL)) == (30, 0)
    assert total(create_engine(URL, pool_size=2, max_overflow=3, pool_timeout=1)) == (30, 0)


@pytest.mark.usefixtures("resized")
def test_pools_of_asynchronous_engines_are_resized() -> None:
    pool = AsyncAdaptedQueuePool(lambda: None, pool_size=2)  # type: ignore[arg-type]
    assert (pool.size(), pool._max_overflow) == (30, 0)


@pytest.mark.usefixtures("resized")
def test_a_pool_stays_resized_when_it_is_made_anew() -> None:
    engine = create_engine(URL, pool_size=2)
    engine.dispose()
    assert total(engine) == (30, 0)


@pytest.mark.usefixtures("resized")
def test_a_pool_made_with_positional_arguments_keeps_the_others() -> None:
    pool = QueuePool(lambda: None, 1, 2, 7.0)  # type: ignore[arg-type]
    assert (pool.size(), pool._max_overflow, pool._timeout) == (30, 0, 7.0)


@pytest.mark.usefixtures("resized")
def test_no_pool_stays_no_pool() -> None:
    assert isinstance(create_engine(URL, poolclass=NullPool).pool, NullPool)


@pytest.mark.usefixtures("resized")
def test_psycopg_pools_are_resized() -> None:
    pool = ConnectionPool(URL, min_size=2, max_size=4, open=False)
    assert (pool.min_size, pool.max_size) == (2, 30)


def test_the_pool_is_what_it_was_after_the_patch_is_undone() -> None:
    assert total(create_engine(URL, pool_size=2, max_overflow=3)) == (2, 3)
