"""Where the mean response time of one endpoint goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pinchpoint.model.span import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Exclusive times that add up to the mean response time.

    Attributes:
        endpoint: `GET /users/{id}`, or `*` for the whole mix.
        requests: How many it was averaged over.
        response_time_s: Mean, from the intended start.
        parts_s: Mean exclusive time of each category; they add up to `response_time_s`.
    """

    endpoint: str
    requests: int
    response_time_s: float
    parts_s: Mapping[Category, float]

    def share_ratio(self, category: Category) -> float:
        """The part of the response time that one category takes, 0 to 1."""
        return self.parts_s.get(category, 0.0) / self.response_time_s if self.response_time_s else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlameEntry:
    """Requests of one endpoint waited while another held a resource.

    Attributes:
        victim: Endpoint that waited.
        holder: Endpoint that held.
        resource: What was held: a pool, the event loop, the workers.
        site: `file:line:function` where the holder spent that time; empty if unknown.
        wait_s: Waiting in all, over the step.
        victims: Requests that waited.
    """

    victim: str
    holder: str
    resource: str
    wait_s: float
    site: str = ""
    victims: int = 0
