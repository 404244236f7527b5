"""Measure a change against the unchanged application, in pairs of blocks in random order."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import islice, takewhile
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
        extra_ratio: Contaminated pairs that may be repeated, as a share of `max_pairs`.
        null_pairs: Of the unchanged application against itself; 6 give a 97 % interval.
    """

    block_s: float = 2.0
    min_pairs: int = 12
    max_pairs: int = 30
    max_s: float = 90.0
    alpha: float = 0.01
    mde_ratio: float = 0.05
    max_error_ratio: float = 0.01
    extra_ratio: float = 0.5
    null_pairs: int = 6


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
    different in 80 % of runs under periodic interference. Contaminated pairs are measured
    again.

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
    sound = [pair for pair in pairs if _is_sound(pair, rules)]
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


def compare_null(
    arms: Arms,
    rules: ExperimentRules,
    *,
    seed: int,
    clock: Callable[[], float] = time.monotonic,
) -> Effect | None:
    """Measure the unchanged application against itself (A/A), in the manner of `compare`.

    Returns:
        See `null_effect`; None if too many pairs were contaminated or had errors.
    """
    tries = int(rules.null_pairs * (1 + rules.extra_ratio))
    tried = islice(_interleave(arms, "baseline", rules, seed, clock), tries)
    sound = (_rates(pair) for pair in tried if _is_sound(pair, rules))
    rates = list(islice(sound, rules.null_pairs))
    return null_effect(rates) if len(rates) == rules.null_pairs else None


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


def _is_sound(pair: _Pair, rules: ExperimentRules) -> bool:
    return not pair.is_contaminated and _find_errors(pair, rules) is None


def _decide(
    pairs: Sequence[_Pair], rules: ExperimentRules, on_progress: Callable[[Effect], None]
) -> _Decision | None:
    """The verdict after the last pair; None to go on."""
    clean = [_rates(pair) for pair in pairs if not pair.is_contaminated]
    if pairs[-1].is_contaminated:
        return _find_contamination(len(pairs) - len(clean), rules)
    errors = _find_errors(pairs[-1], rules)
    if errors:
        return errors
    effect = _effect("throughput", clean, rules.alpha)
    on_progress(effect)
    verdict = _judge(effect, rules) if len(clean) >= rules.min_pairs else None
    if verdict:
        return verdict, ""
    if len(clean) >= rules.max_pairs:
        return Verdict.INCONCLUSIVE, f"still undecided after {len(clean)} pairs"
    return None


def _find_contamination(contaminated: int, rules: ExperimentRules) -> _Decision | None:
    if contaminated <= rules.max_pairs * rules.extra_ratio:
        return None
    note = f"other processes took the CPU in {contaminated} pairs: requests/s cannot be trusted"
    return Verdict.INCONCLUSIVE, note


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
