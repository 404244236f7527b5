"""One file for each server: `TRAITS`, and `command(app, deployment, port)`."""
