"""How often each path is asked for, and what of the traffic is known or assumed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pinchpoint.stats.dispersion import dispersion_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinchpoint.walk.knowledge import Knowledge
    from pinchpoint.walk.paths import Found

BURSTY = 1.5
"""Index of dispersion from which recorded arrivals are called so; 1 is a Poisson process."""


def path_weights(endpoint: str, found: Found, known: Knowledge) -> tuple[float, ...]:
    """How often each path is chosen; empty if all alike.

    What the user wants; else as recorded. Where the recorded values do not exist here, the
    first of those that do are as popular as the most popular ones of the recording.
    """
    places = range(1, len(found.paths) + 1)
    if known.zipf_exponent is not None:
        return tuple(place**-known.zipf_exponent for place in places) if known.zipf_exponent else ()
    if found.counts:
        return tuple(map(float, found.counts))
    counts = sorted(known.targets.get(endpoint, {}).values(), reverse=True)
    if len(counts) < 2 or len(found.paths) < 2:
        return ()
    return tuple(float(counts[min(place, len(counts)) - 1]) for place in places)


def assumptions(loaded: Iterable[tuple[str, Found]], known: Knowledge) -> Iterator[str]:
    """Each assumption about real traffic with its source, the most important first.

    Args:
        loaded: Endpoints that get load, with their paths.
        known: What was not guessed.
    """
    routes = list(loaded)
    yield f"mix: {known.mix or f'equal shares of {len(routes)} routes'}"
    origins = Counter(found.origin for _, found in routes if found.origin)
    if origins:
        yield f"values: {', '.join(f'{name} ({count})' for name, count in origins.most_common())}"
    if any(len(found.paths) > 1 for _, found in routes):
        yield f"popularity of values: {_popularity(known)}"
    index = dispersion_index(known.starts_s)
    if known.pulse:
        yield f"arrivals: in the bursts of the busiest minute of {known.targets_from}"
    elif index is not None and index >= BURSTY:
        yield (
            f"arrivals: Poisson; recorded ones come in bursts, with {index:.1f} times its variance"
            " from second to second"
        )
    yield from known.notes


def _popularity(known: Knowledge) -> str:
    if known.zipf_exponent:
        return f"Zipf with exponent {known.zipf_exponent:g}, as configured"
    if known.zipf_exponent is not None:
        return "all alike, as configured"
    return f"as in {known.targets_from}" if known.targets_from else "all alike"
