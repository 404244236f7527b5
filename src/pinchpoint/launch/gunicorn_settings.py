"""The configuration that gunicorn is started with; old versions do not know all of it."""

try:
    from gunicorn.config import KNOWN_SETTINGS
except ImportError:  # imported by the tool itself, for the path of this file
    KNOWN_SETTINGS = []

if "control_socket_disable" in {setting.name for setting in KNOWN_SETTINGS}:
    # Since version 25 a socket is made in the user's home; nothing of a run stays behind.
    control_socket_disable = True
