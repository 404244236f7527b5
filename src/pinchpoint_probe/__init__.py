"""The probe: runs inside the user's process, on the standard library alone.

`start()` is called by `inject/sitecustomize.py` before any of the application is imported.
"""

import os


def start() -> None:
    """Hook the libraries of this process, now and as they are imported. Never raises."""
    from pinchpoint_probe import postimport, sites, state

    def in_child() -> None:
        state.sink.reset()
        sites.reset()

    try:
        os.register_at_fork(after_in_child=in_child)
        postimport.install()
        _apply_change()
    except Exception as error:
        postimport.failures.append(f"start: {error!r}")


def _apply_change() -> None:
    """Load the fix that this arm of an experiment has, by path, and apply it."""
    from pinchpoint_probe import wire

    text = os.environ.get(wire.CHANGE_VARIABLE)
    if not text:
        return
    import json
    from importlib.util import module_from_spec, spec_from_file_location

    change = json.loads(text)
    spec = spec_from_file_location("pinchpoint_probe_fix", change["file"])
    if spec is None or spec.loader is None:
        raise ImportError(change["file"])
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.patch(change["parameters"])
