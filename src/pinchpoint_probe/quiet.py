"""Note what went wrong in the probe itself, once, and let the application run on."""

from pinchpoint_probe import postimport


def note(where: str, error: BaseException) -> None:
    """Add an error of our own to the probe's failures, unless it is there already.

    Args:
        where: The hook or step.
        error: What it raised.
    """
    text = f"{where}: {error!r}"
    if text not in postimport.failures:
        postimport.failures.append(text)
