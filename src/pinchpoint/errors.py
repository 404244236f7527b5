"""Every error that is raised on purpose.

PinchpointError            exit status
├── UsageError                  2       a flag, a setting or a name that cannot be
├── LaunchError                 3       the app did not start or cannot be reached
├── InconclusiveError           4       the figures cannot be trusted
│   └── StoppedError            4       the load was stopped before it did harm
└── NoTrafficError              5       no route answers, so there is nothing to offer
"""

from __future__ import annotations


class PinchpointError(Exception):
    """Something that the user can cause and mend.

    Attributes:
        exit_status: What the command line exits with.
        remedy: What to do, as a sentence; empty where the message says it all.
    """

    exit_status = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class UsageError(PinchpointError):
    """A flag, a setting or a name that cannot be."""


class LaunchError(PinchpointError):
    """The app or a service did not start or cannot be reached."""

    exit_status = 3


class InconclusiveError(PinchpointError):
    """The run is void: its figures cannot be trusted."""

    exit_status = 4


class StoppedError(InconclusiveError):
    """The load was stopped before it did harm; what was measured before stands."""


class NoTrafficError(PinchpointError):
    """No route answers, so there is nothing to offer."""

    exit_status = 5
