"""Measure a change against the unchanged application, in pairs of blocks in random order."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import takewhile
from random import Random
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from pinchpoint.model.trial import Effect, Trial, Verdict
from pinchpoint.prove.arms import compare_answers
from pinchpoint.stats.sequential import confidence_sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pinchpoint.model.trial import Change
    from pinchpoint.prove.arms import Arm, Arms, Block

_Decision = tuple[Verdict, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRules:
    """When an experiment ends.

    Attributes:
        block_s: Load on one arm; shorter blocks do not fill the pipeline of a slow endpoint.
        min_pairs: Stopping earlier overstates small effects by 20 to 55 %.
        max_pairs: Without contaminated ones.
        max_s: All in all; a pair that has begun is finished.
        alpha: Chance to call equal arms different.
        mde_ratio: Effects on throughput that are smaller than this do not matter.
        max_error_ratio: Errors that a block may have.
        futile_pairs: After so many without a gain of `mde_ratio` in sight it is given up; 0
            to go on. Stopping for futility invents no effects.
        spare_pairs: Contaminated pairs that are measured again; from then on they count.
    """

    block_s: float = 2.0
    min_pairs: int = 12
    max_pairs: int = 30
    max_s: float = 90.0
    alpha: float = 0.01
    mde_ratio: float = 0.05
    max_error_ratio: float = 0.01
    futile_pairs: int = 0
    spare_pairs: int = 8


class _Pair(NamedTuple):
    baseline: Block
    changed: Block

    @property
    def is_contaminated(self) -> bool:
        return self.baseline.is_contaminated or self.changed.is_contaminated


def compare(  # noqa: PLR0913  # two of them have defaults that only tests and terminals replace
    arms: Arms,
    change: Change,
    rules: ExperimentRules,
    *,
    seed: int,
    on_progress: Callable[[Effect], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Trial:
    """Try a change: the same answers first, then pairs of blocks until the verdict is clear.

    The order within each pair is random: a fixed order such as ABBA calls equal arms
    different in 80 % of runs under periodic interference. The first contaminated pairs are
    measured again. On a machine that is never quiet they count: the order is random, so that
    interference favours neither arm and widens the interval instead.

    Args:
        arms: Both variants.
        change: How they differ; only copied into the result.
        rules: When to end.
        seed: Of the order.
        on_progress: Told the effect on throughput so far after each clean pair; its ends
            are 0 and infinite until there are enough.
        clock: Seconds.

    Returns:
        Refused without effects if the change alters an answer or causes errors. Effects
        whose intervals are unbounded (fewer than 10 pairs) are left out.
    """
    same_answers, culprit = compare_answers(arms)
    if culprit:
        note = f"{culprit} answers differently with the change"
        return Trial(change=change, verdict=Verdict.REFUSED, same_answers=False, note=note)
    pairs: list[_Pair] = []
    decision = None
    for pair in _interleave(arms, "changed", rules, seed, clock):
        pairs.append(pair)
        decision = _decide(pairs, rules, on_progress)
        if decision:
            break
    sound = [pair for pair in _counted(pairs, rules) if not _find_errors(pair, rules)]
    verdict, note = decision or (
        Verdict.INCONCLUSIVE,
        f"still undecided after {len(sound)} pairs, when the time was used up",
    )
    return Trial(
        change=change,
        verdict=verdict,
        effects=() if verdict is Verdict.REFUSED else _effects(sound, rules.alpha),
        same_answers=same_answers,
        note=note,
        block_rates=tuple(_rates(pair) for pair in sound),
        endpoints=_endpoint_ratios(sound),
    )


def null_effect(rates: Sequence[tuple[float, float]]) -> Effect:
    """The effect of nothing: what this machine's noise alone looks like.

    The interval is that of the sign test: the extremes of n pairs enclose the median with
    a probability of 1 - 2^(1-n), whatever the noise is.

    Args:
        rates: Requests/s of both blocks of each pair, above 0; at least two pairs.

    Raises:
        ValueError: Fewer than two pairs.
    """
    if len(rates) < 2:
        raise ValueError("the null effect needs at least two pairs")
    ratios = [second / first for first, second in rates]
    return Effect(
        metric="throughput",
        ratio=_median_ratio(map(math.log, ratios)),
        low_ratio=min(ratios),
        high_ratio=max(ratios),
        confidence_ratio=1 - 2 ** (1 - len(ratios)),
        pairs=len(ratios),
        baseline=median(first for first, _ in rates),
        changed=median(second for _, second in rates),
    )


def _interleave(
    arms: Arms, second: Arm, rules: ExperimentRules, seed: int, clock: Callable[[], float]
) -> Iterator[_Pair]:
    """Measure `baseline` and a second arm in random order, until the time is used up."""
    rng = Random(seed)  # noqa: S311  # an order, not a secret
    end_s = clock() + rules.max_s
    while clock() < end_s:
        if rng.random() < 0.5:
            baseline = arms.measure("baseline", rules.block_s)
            yield _Pair(baseline, arms.measure(second, rules.block_s))
        else:
            changed = arms.measure(second, rules.block_s)
            yield _Pair(arms.measure("baseline", rules.block_s), changed)


def _counted(pairs: Sequence[_Pair], rules: ExperimentRules) -> list[_Pair]:
    """The pairs that count; which ones do depends on the machine's figures and the past alone."""
    spare = rules.spare_pairs
    counted = []
    for pair in pairs:
        if pair.is_contaminated and spare:
            spare -= 1
        else:
            counted.append(pair)
    return counted


def _decide(
    pairs: Sequence[_Pair], rules: ExperimentRules, on_progress: Callable[[Effect], None]
) -> _Decision | None:
    """The verdict after the last pair; None to go on."""
    counted = _counted(pairs, rules)
    if not counted or counted[-1] is not pairs[-1]:
        return None
    if errors := _find_errors(pairs[-1], rules):
        return errors
    effect = _effect("throughput", [_rates(pair) for pair in counted], rules.alpha)
    on_progress(effect)
    verdict = _judge(effect, rules) if len(counted) >= rules.min_pairs else None
    if verdict:
        return verdict, _contamination(counted)
    if len(counted) == rules.futile_pairs and effect.ratio < 1 + rules.mde_ratio:
        return Verdict.INCONCLUSIVE, f"no gain in sight after {len(counted)} pairs"
    if len(counted) >= rules.max_pairs:
        return Verdict.INCONCLUSIVE, f"still undecided after {len(counted)} pairs"
    return None


def _contamination(counted: Sequence[_Pair]) -> str:
    contaminated = sum(pair.is_contaminated for pair in counted)
    return f"other processes took the CPU in {contaminated} of the pairs" if contaminated else ""


def _find_errors(pair: _Pair, rules: ExperimentRules) -> _Decision | None:
    """Errors answer fast, so a block with errors is not a throughput."""
    for verdict, name, block in (
        (Verdict.INCONCLUSIVE, "unchanged", pair.baseline),
        (Verdict.REFUSED, "changed", pair.changed),
    ):
        if block.error_ratio > rules.max_error_ratio or block.rate_rps <= 0:
            share = f"{block.error_ratio:.1%} of its requests"
            return verdict, f"the {name} application answered {share} with errors"
    return None


def _judge(effect: Effect, rules: ExperimentRules) -> Verdict | None:
    if effect.low_ratio > 1:
        return Verdict.IMPROVED
    if effect.high_ratio < 1:
        return Verdict.REGRESSED
    if 1 - rules.mde_ratio < effect.low_ratio and effect.high_ratio < 1 + rules.mde_ratio:
        return Verdict.EQUIVALENT
    return None


def _effects(pairs: Sequence[_Pair], alpha: float) -> tuple[Effect, ...]:
    """Throughput, then CPU time per request, as long as their intervals are bounded."""
    values = {
        "throughput": [_rates(pair) for pair in pairs],
        "cpu_per_request": [
            (pair.baseline.cpu_per_request_s, pair.changed.cpu_per_request_s) for pair in pairs
        ],
    }
    effects = (
        _effect(metric, of_pairs, alpha)
        for metric, of_pairs in values.items()
        if of_pairs and min(map(min, of_pairs)) > 0
    )
    return tuple(
        takewhile(lambda effect: 0 < effect.low_ratio < effect.high_ratio < math.inf, effects)
    )


def _rates(pair: _Pair) -> tuple[float, float]:
    return pair.baseline.rate_rps, pair.changed.rate_rps


def _effect(metric: str, values: Sequence[tuple[float, float]], alpha: float) -> Effect:
    log_ratios = [math.log(changed / baseline) for baseline, changed in values]
    low, high = confidence_sequence(log_ratios, alpha)
    return Effect(
        metric=metric,
        ratio=_median_ratio(log_ratios),
        low_ratio=math.exp(low),
        high_ratio=math.exp(high),
        confidence_ratio=1 - alpha,
        pairs=len(values),
        baseline=median(baseline for baseline, _ in values),
        changed=median(changed for _, changed in values),
    )


def _median_ratio(log_ratios: Iterable[float]) -> float:
    return math.exp(median(log_ratios))


def _endpoint_ratios(pairs: Sequence[_Pair]) -> dict[str, float]:
    """Changed / baseline mean response time, for endpoints that every block answered."""
    if not pairs:
        return {}
    blocks = [block.mean_response_s for pair in pairs for block in pair]
    return {
        endpoint: _median_ratio(
            math.log(
                pair.changed.mean_response_s[endpoint] / pair.baseline.mean_response_s[endpoint]
            )
            for pair in pairs
        )
        for endpoint in blocks[0]
        if all(block.get(endpoint, 0) > 0 for block in blocks)
    }
