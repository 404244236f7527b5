"""Start the app under its real server, with the probe inside; private services on loopback."""

from pinchpoint.launch.deployment import choose_deployment
from pinchpoint.launch.discover import discover
from pinchpoint.launch.process import launch

__all__ = ["choose_deployment", "discover", "launch"]
