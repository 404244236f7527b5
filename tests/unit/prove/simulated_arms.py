"""Two arms of an application whose true speed is known, in virtual time."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from pinchpoint.prove.arms import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinchpoint.prove.arms import Arm


def quiet(_time_s: float) -> float:
    return 1.0


def drifting(time_s: float) -> float:
    """Half as fast after 100 s."""
    return math.exp2(-time_s / 100)


def periodic(time_s: float) -> float:
    """A neighbour that takes a third of the machine in two of four blocks."""
    return 0.67 if time_s % 8 < 4 else 1.0


class SimulatedArms:
    """An application of 100 requests/s and a change with a known effect on it.

    Attributes:
        now_s: Virtual time; moves by the length of each block.
        measured: Which arms were measured, in order.
    """

    def __init__(  # noqa: PLR0913  # each is one truth
        self,
        effect_ratio: float,
        *,
        seed: int = 1,
        noise_ratio: float = 0.04,
        interference: Callable[[float], float] = quiet,
        contaminated_ratio: float = 0.0,
        error_ratio: Mapping[str, float] | None = None,
        answers: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    ) -> None:
        self.now_s = 0.0
        self.measured: list[Arm] = []
        self._rng = random.Random(seed)
        self._ratios = {"baseline": 1.0, "changed": effect_ratio}
        self._noise_ratio = noise_ratio
        self._interference = interference
        self._contaminated_ratio = contaminated_ratio
        self._error_ratio = error_ratio or {}
        same = [{"GET /": "hello"}] * 2
        self._answers = {arm: iter((answers or {}).get(arm, same)) for arm in self._ratios}

    def clock(self) -> float:
        return self.now_s

    def measure(self, arm: Arm, duration_s: float) -> Block:
        self.measured.append(arm)
        is_contaminated = self._rng.random() < self._contaminated_ratio
        noise = math.exp(self._rng.gauss(0, self._noise_ratio))
        slowness = (0.3 if is_contaminated else 1.0) * self._interference(self.now_s) * noise
        self.now_s += duration_s
        rate_rps = 100 * self._ratios[arm] * slowness
        return Block(
            rate_rps=rate_rps,
            cpu_per_request_s=0.01 / self._ratios[arm] * math.exp(self._rng.gauss(0, 0.01)),
            error_ratio=self._error_ratio.get(arm, 0.0),
            mean_response_s={"GET /": 8 / rate_rps},
            is_contaminated=is_contaminated,
        )

    def answers(self, arm: Arm) -> Mapping[str, str]:
        return next(self._answers[arm])
