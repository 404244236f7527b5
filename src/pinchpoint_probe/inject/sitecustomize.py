"""On the application's PYTHONPATH: load the probe, then the sitecustomize that it hides."""

import os
import sys

# importlib's public modules load six others on Python 3.10; the frozen ones are always there.
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import PathFinder, spec_from_file_location


def _load_probe(package: str) -> None:
    spec = spec_from_file_location(
        "pinchpoint_probe",
        os.path.join(package, "__init__.py"),
        submodule_search_locations=[package],
    )
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["pinchpoint_probe"] = module
    spec.loader.exec_module(module)
    module.start()


def _load_hidden() -> None:
    """Run the sitecustomize that would have run without us, if there is one."""
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _here]
try:
    if os.environ.get("PINCHPOINT_PROBE_DIR"):
        _load_probe(os.path.dirname(_here))
except Exception as error:  # the application comes first
    sys.stderr.write(f"pinchpoint: the probe did not start: {error!r}\n")
_load_hidden()
