"""Split each response time into parts, charge waiting to its causes, name the wall."""

from pinchpoint.attribute.bounds import bounds
from pinchpoint.attribute.budget import attribute, attribute_slowest
from pinchpoint.attribute.concurrency import most_at_once
from pinchpoint.attribute.laws import (
    generator_cpu_ratio,
    lag_p99_s,
    lost_ratio,
    violations,
    warnings,
)
from pinchpoint.attribute.waiting import blame
from pinchpoint.attribute.wall import find_wall, wall_points

__all__ = [
    "attribute",
    "attribute_slowest",
    "blame",
    "bounds",
    "find_wall",
    "generator_cpu_ratio",
    "lag_p99_s",
    "lost_ratio",
    "most_at_once",
    "violations",
    "wall_points",
    "warnings",
]
