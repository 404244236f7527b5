"""Start the app under its real server, with the probe inside; private services on loopback."""

from pinchpoint.launch.discover import discover
from pinchpoint.launch.process import choose_deployment, launch

__all__ = ["choose_deployment", "discover", "launch"]
