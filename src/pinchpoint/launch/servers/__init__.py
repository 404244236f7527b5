"""One file for each server: `command(app, deployment, port)`, `MODULE` and `INTERFACES`."""
