"""A fix that patches runs inside the application's process, where the tool cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pinchpoint.launch.inject import Probe
from pinchpoint.model.app import App, Framework, Interface
from pinchpoint.prove.fixes import resize_pool

pytestmark = pytest.mark.e2e

APPLICATION = """
import sys
sys.modules["pinchpoint"] = None  # as in an environment that does not have it
from sqlalchemy import create_engine
from pinchpoint_probe import postimport
engine = create_engine("postgresql+psycopg://127.0.0.1/shop", pool_size=2, pool_timeout=1)
print(engine.pool.size(), engine.pool._max_overflow, postimport.failures)
"""


def test_the_pool_of_the_changed_arm_is_larger(tmp_path: Path) -> None:
    app = App(
        target="main:app",
        interface=Interface.WSGI,
        framework=Framework.UNKNOWN,
        directory=tmp_path,
        python=Path(sys.executable),
    )
    change = {"file": resize_pool.__file__, "parameters": {"pool_size": "30"}}
    environment = Probe.create(tmp_path / "probe").environment(app, change=change)
    done = subprocess.run(
        [sys.executable, "-c", APPLICATION],
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "30 0 []"
