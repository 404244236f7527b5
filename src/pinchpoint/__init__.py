"""Find where a Python web app saturates, why, and prove the fix."""

from importlib.metadata import version

__version__ = version("pinchpoint")
