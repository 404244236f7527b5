from __future__ import annotations

from collections import Counter
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.load.mix import path_choice, request_order


def endpoints(weights: list[float], requests: int, seed: int = 1) -> Counter[int]:
    order = request_order(weights, [1] * len(weights), seed)
    return Counter(index for index, _ in islice(order, requests))


def test_each_block_has_the_exact_shares() -> None:
    order = request_order([7, 2, 1], [1, 1, 1], seed=3)
    for _ in range(5):
        assert Counter(index for index, _ in islice(order, 100)) == {0: 70, 1: 20, 2: 10}


def test_a_rare_endpoint_gets_its_requests_in_the_long_run() -> None:
    assert endpoints([999, 1], 10_000) == {0: 9_990, 1: 10}


def test_an_endpoint_without_weight_gets_none() -> None:
    assert set(endpoints([1, 0, 1], 1_000)) == {0, 2}


def test_endpoints_are_shuffled_within_a_block() -> None:
    first = [index for index, _ in islice(request_order([1, 1], [1, 1], seed=1), 50)]
    assert 0 < sum(first) < 50


def test_paths_are_drawn_evenly() -> None:
    order = request_order([1], [4], seed=1)
    counts = Counter(path for _, path in islice(order, 4_000))
    assert all(900 < counts[path] < 1_100 for path in range(4))


def test_the_seed_decides() -> None:
    def sequence(seed: int) -> list[tuple[int, int]]:
        return list(islice(request_order([3, 1], [9, 9], seed), 300))

    assert sequence(1) == sequence(1) != sequence(2)


@given(weights=st.lists(st.floats(0.001, 1000), min_size=1, max_size=20), seed=st.integers())
def test_no_block_is_further_than_one_request_from_the_shares(
    weights: list[float], seed: int
) -> None:
    counts = endpoints(weights, 100, seed)
    total = sum(weights)
    assert all(
        abs(counts[index] - 100 * weight / total) <= 1 + 1e-9
        for index, weight in enumerate(weights)
    )


def test_a_popular_path_is_drawn_more_often() -> None:
    order = request_order([1, 1], [3, 2], 1, path_weights=[(6, 3, 1), ()])
    counts = Counter(islice(order, 20_000))
    assert 5_800 < counts[0, 0] < 6_200
    assert 2_800 < counts[0, 1] < 3_200
    assert 900 < counts[0, 2] < 1_100
    assert 4_800 < counts[1, 0] < 5_200


@given(
    weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(any),
    point=st.floats(0, 1, exclude_max=True),
)
def test_a_path_that_nobody_asks_for_is_never_chosen(weights: list[float], point: float) -> None:
    assert weights[path_choice(len(weights), weights)(point)] > 0


@given(count=st.integers(1, 10**6), point=st.floats(0, 1, exclude_max=True))
def test_without_weights_all_paths_can_be_chosen(count: int, point: float) -> None:
    assert path_choice(count, ())(point) == int(point * count) < count
