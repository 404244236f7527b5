"""The verdict is right where the truth is known, and modest where it cannot be known."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from simulated_arms import SimulatedArms, drifting, periodic, quiet

from pinchpoint.model.trial import Change, Verdict
from pinchpoint.prove.experiment import ExperimentRules, compare, null_effect

if TYPE_CHECKING:
    from pinchpoint.model.trial import Effect, Trial

CHANGE = Change(fix="more_workers", advice="Start 4 workers", parameters={"workers": "4"})
RULES = ExperimentRules(max_s=1000)


def trial(arms: SimulatedArms, rules: ExperimentRules = RULES, seed: int = 1, **more: Any) -> Trial:
    return compare(arms, CHANGE, rules, seed=seed, clock=arms.clock, **more)


@pytest.mark.parametrize("interference", [quiet, drifting, periodic])
def test_a_gain_is_proven_whatever_else_goes_on(interference: Any) -> None:
    result = trial(SimulatedArms(1.5, interference=interference))
    assert result.verdict is Verdict.IMPROVED
    assert result.effects[0].low_ratio < 1.5 < result.effects[0].high_ratio


def test_a_loss_is_a_regression() -> None:
    assert trial(SimulatedArms(0.7)).verdict is Verdict.REGRESSED


def test_no_effect_is_a_result() -> None:
    result = trial(SimulatedArms(1.0, noise_ratio=0.01))
    assert result.verdict is Verdict.EQUIVALENT
    assert 0.95 < result.effects[0].low_ratio < 1 < result.effects[0].high_ratio < 1.05


def test_too_much_noise_for_a_small_effect_is_inconclusive() -> None:
    result = trial(SimulatedArms(1.02, noise_ratio=0.2))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.note == "still undecided after 30 pairs"
    assert len(result.block_rates) == 30


def test_an_obvious_gain_is_still_measured_12_times() -> None:
    assert len(trial(SimulatedArms(10.0)).block_rates) == 12


def test_a_tenth_more_is_seen_in_24_pairs_at_most() -> None:
    pairs = [len(trial(SimulatedArms(1.1, seed=seed), seed=seed).block_rates) for seed in range(9)]
    assert max(pairs) <= 24


def test_equal_arms_are_called_different_in_1_percent_of_runs_at_most() -> None:
    rules = ExperimentRules(max_pairs=14, max_s=1000)
    noises = itertools.cycle([quiet, drifting, periodic])
    verdicts = [
        trial(SimulatedArms(1.0, seed=seed, interference=noise), rules, seed + 999).verdict
        for seed, noise in zip(range(300), noises, strict=False)
    ]
    alarms = sum(verdict in {Verdict.IMPROVED, Verdict.REGRESSED} for verdict in verdicts)
    assert alarms <= 6  # 3 expected at most; more than 6 of 300 has a chance of 3 % at 1 %


def test_the_order_within_the_pairs_is_random_but_repeatable() -> None:
    orders = []
    for seed in (1, 1, 2):
        arms = SimulatedArms(2.0)
        trial(arms, seed=seed)
        orders.append(arms.measured)
    assert orders[0] == orders[1] != orders[2]
    assert {first for first, _ in zip(orders[0][::2], orders[0][1::2], strict=True)} == {
        "baseline",
        "changed",
    }


def test_the_cpu_time_per_request_is_the_second_effect() -> None:
    throughput, cpu = trial(SimulatedArms(2.0)).effects
    assert (throughput.metric, cpu.metric) == ("throughput", "cpu_per_request")
    assert throughput.ratio == pytest.approx(2, rel=0.05)
    assert cpu.ratio == pytest.approx(0.5, rel=0.05)
    assert cpu.baseline == pytest.approx(0.01, rel=0.05)


def test_endpoints_are_compared_by_their_mean_response_times() -> None:
    assert trial(SimulatedArms(2.0)).endpoints == {"GET /": pytest.approx(0.5, rel=0.05)}


def test_contaminated_pairs_are_measured_again() -> None:
    arms = SimulatedArms(1.5, contaminated_ratio=0.1)
    result = trial(arms)
    assert result.verdict is Verdict.IMPROVED
    assert len(result.block_rates) == 12
    assert len(arms.measured) > 24


def test_on_a_machine_that_is_never_quiet_contaminated_pairs_count() -> None:
    arms = SimulatedArms(1.5, contaminated_ratio=1.0)
    result = trial(arms)
    assert result.verdict is Verdict.IMPROVED
    assert len(arms.measured) == 2 * (RULES.spare_pairs + 12)
    assert result.note == "other processes took the CPU in 12 of the pairs"


def test_contamination_of_one_arm_alone_is_no_effect() -> None:
    verdicts = [
        trial(SimulatedArms(1.0, contaminated_ratio=0.5, seed=100 + seed)).verdict
        for seed in range(20)
    ]
    assert Verdict.IMPROVED not in verdicts
    assert Verdict.REGRESSED not in verdicts


def test_a_futile_experiment_is_given_up() -> None:
    result = trial(SimulatedArms(1.0), ExperimentRules(futile_pairs=8))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.note == "no gain in sight after 8 pairs"


def test_one_with_a_gain_in_sight_goes_on() -> None:
    result = trial(SimulatedArms(1.5), ExperimentRules(futile_pairs=8))
    assert result.verdict is Verdict.IMPROVED


def test_the_time_is_kept() -> None:
    arms = SimulatedArms(1.5)
    result = trial(arms, ExperimentRules(max_s=20))
    assert arms.now_s == 20
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.note == "still undecided after 5 pairs, when the time was used up"
    assert result.effects == ()


def test_a_change_that_causes_errors_is_refused() -> None:
    result = trial(SimulatedArms(3.0, error_ratio={"changed": 0.02}))
    assert result.verdict is Verdict.REFUSED
    assert result.note == "the changed application answered 2.0% of its requests with errors"
    assert result.effects == ()


def test_errors_of_the_unchanged_application_decide_nothing() -> None:
    result = trial(SimulatedArms(3.0, error_ratio={"baseline": 0.02, "changed": 0.02}))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "unchanged application" in result.note


def test_a_few_errors_are_tolerated() -> None:
    assert trial(SimulatedArms(3.0, error_ratio={"changed": 0.01})).verdict is Verdict.IMPROVED


def test_an_arm_that_answers_nothing_has_no_throughput() -> None:
    arms = SimulatedArms(0.0, error_ratio={"changed": 1.0})
    arms._ratios["changed"] = 1e-320
    assert trial(arms).verdict is Verdict.REFUSED


def test_other_answers_are_refused_before_anything_is_measured() -> None:
    answers = {
        "baseline": [{"GET /": "1", "GET /a": "2"}] * 2,
        "changed": [{"GET /": "1", "GET /a": "3"}] * 2,
    }
    arms = SimulatedArms(2.0, answers=answers)
    result = trial(arms)
    assert (result.verdict, result.same_answers) == (Verdict.REFUSED, False)
    assert result.note == "GET /a answers differently with the change"
    assert arms.measured == []


def test_an_endpoint_that_does_not_repeat_itself_is_left_out() -> None:
    answers = {
        "baseline": [{"GET /": "1", "GET /time": "12:00"}, {"GET /": "1", "GET /time": "12:02"}],
        "changed": [{"GET /": "1", "GET /time": "12:01"}, {"GET /": "1", "GET /time": "12:03"}],
    }
    assert trial(SimulatedArms(2.0, answers=answers)).same_answers is True


def test_a_volatile_endpoint_does_not_hide_one_that_differs() -> None:
    answers = {
        "baseline": [{"GET /time": "12:00", "GET /": "1"}, {"GET /time": "12:02", "GET /": "1"}],
        "changed": [{"GET /time": "12:01", "GET /": "2"}, {"GET /time": "12:03", "GET /": "2"}],
    }
    assert trial(SimulatedArms(2.0, answers=answers)).same_answers is False


def test_only_volatile_answers_were_not_compared() -> None:
    answers = {
        "baseline": [{"GET /time": "12:00"}, {"GET /time": "12:02"}],
        "changed": [{"GET /time": "12:01"}, {"GET /time": "12:03"}],
    }
    result = trial(SimulatedArms(2.0, answers=answers))
    assert (result.verdict, result.same_answers) == (Verdict.IMPROVED, None)


def test_an_endpoint_that_has_gone_differs() -> None:
    answers: dict[str, list[dict[str, str]]] = {
        "baseline": [{"GET /": "1"}] * 2,
        "changed": [{}] * 2,
    }
    assert trial(SimulatedArms(2.0, answers=answers)).same_answers is False


def test_progress_is_told_after_every_clean_pair() -> None:
    seen: list[Effect] = []
    trial(SimulatedArms(2.0), on_progress=seen.append)
    assert [effect.pairs for effect in seen] == list(range(1, 13))


def test_the_null_interval_is_that_of_the_sign_test() -> None:
    effect = null_effect([(100, 90), (100, 100), (100, 120)])
    assert (effect.low_ratio, effect.high_ratio) == (0.9, 1.2)
    assert effect.ratio == pytest.approx(1)
    assert effect.confidence_ratio == 0.75


def test_one_pair_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two pairs"):
        null_effect([(100, 100)])
