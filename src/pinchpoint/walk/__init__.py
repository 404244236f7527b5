"""Each read route alone, a few times: what answers becomes the workload."""

from pinchpoint.walk.client import Client, Visit
from pinchpoint.walk.explain import fetch_plans, statements_of
from pinchpoint.walk.explore import Exploration, Selection, explore, read_routes

__all__ = [
    "Client",
    "Exploration",
    "Selection",
    "Visit",
    "explore",
    "fetch_plans",
    "read_routes",
    "statements_of",
]
