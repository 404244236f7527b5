"""Each read route alone, a few times: what answers becomes the workload."""

from pinchpoint.walk.client import Client, Visit
from pinchpoint.walk.described import read_own_description
from pinchpoint.walk.document import document_in, document_of
from pinchpoint.walk.explain import fetch_plans, statements_of
from pinchpoint.walk.explore import Exploration, Selection, explore
from pinchpoint.walk.knowledge import Knowledge, combine, read_traffic
from pinchpoint.walk.outside import read_from_outside

__all__ = [
    "Client",
    "Exploration",
    "Knowledge",
    "Selection",
    "Visit",
    "combine",
    "document_in",
    "document_of",
    "explore",
    "fetch_plans",
    "read_from_outside",
    "read_own_description",
    "read_traffic",
    "statements_of",
]
