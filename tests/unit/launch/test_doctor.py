"""What the doctor says of a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pinchpoint.launch.doctor import GB, Machine, judge

SOUND = Machine(
    system="Linux",
    python="/app/.venv/bin/python (VIRTUAL_ENV)",
    cores=8,
    load=0.5,
    free_memory_bytes=16 * GB,
    free_disk_bytes=100 * GB,
    most_files=65_536,
    ports=28_232,
    has_database=True,
    oversleep_s=0.0001,
    scatter_ratio=0.02,
)


def advised(machine: Machine) -> list[str]:
    return [check.name for check in judge(machine) if check.advice]


def test_a_sound_machine_gets_no_advice() -> None:
    assert advised(SOUND) == []


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (replace(SOUND, cores=1.5), "cores"),
        (replace(SOUND, load=4.5), "load"),
        (replace(SOUND, free_memory_bytes=GB), "memory"),
        (replace(SOUND, free_disk_bytes=GB), "disk"),
        (replace(SOUND, most_files=1024), "open files"),
        (replace(SOUND, ports=2000), "ports"),
        (replace(SOUND, has_database=False), "demo"),
        (replace(SOUND, oversleep_s=0.004), "clock"),
        (replace(SOUND, scatter_ratio=0.3), "steadiness"),
    ],
)
def test_each_weakness_has_its_advice(machine: Machine, name: str) -> None:
    assert advised(machine) == [name]


def test_what_a_system_does_not_tell_is_not_judged() -> None:
    checks = list(judge(replace(SOUND, ports=0)))
    assert "ports" not in [check.name for check in checks]
