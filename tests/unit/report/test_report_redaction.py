"""No secret reaches anything that is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import reports

from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.finding import Location
from pinchpoint.model.recording import Recording
from pinchpoint.model.trial import Trial
from pinchpoint.model.workload import RequestTemplate, Workload
from pinchpoint.report import store
from pinchpoint.report.formats import html, json, terminal
from pinchpoint.report.redaction import redact, redacted

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2swordfish7"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://shop:{SECRET}@localhost/shop",
        f"postgresql://shop:p@{SECRET}@localhost/shop",
        f"redis://:{SECRET}@127.0.0.1:6379/0",
        f"DATABASE_PASSWORD={SECRET} check",
        f"SECRET_KEY = '{SECRET}'",
        f'{{"api_key": "{SECRET}"}}',
        f"/callback?access_token={SECRET}&page=2",
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Token {SECRET}",
        f"Cookie: theme=dark; id={SECRET}",
        f"curl -H 'Authorization: Basic {SECRET}'",
        f"sent with bearer {SECRET}",
        f"ghp_{SECRET}",
        f"eyJhbGciOiJI.{SECRET}.sig",
    ],
)
def test_masks(text: str) -> None:
    assert SECRET not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/@me",
        "https://example.org/docs",
        "GET /token/{token}",
        "SELECT id FROM users WHERE password = %(password)s",
        "SELECT id FROM users WHERE token = $1 AND secret = ?",
        "uses basic authentication",
        "if token == expected:",
        "password check takes 80 ms of CPU",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert redact(text) == text


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact(f"redis://:{SECRET}@host API_KEY={SECRET} Authorization: Bearer {SECRET}")
    assert redact(once) == once


def test_a_sound_report_passes_unchanged() -> None:
    assert redacted(reports.SICK) == reports.SICK


def test_a_value_goes_whole_if_its_name_is_a_secret() -> None:
    report = replace(reports.SICK, environment={"JWT_SECRET": "x y z"})
    assert redacted(report).environment == {"JWT_SECRET": "***"}


def test_no_format_shows_a_secret(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(f"\n\nAPI_KEY = '{SECRET}'\n", encoding="utf-8")
    leak = f"postgresql://shop:{SECRET}@localhost/shop"
    trial = Trial(change=reports.HOLD_TRIAL.change, verdict=reports.HOLD_TRIAL.verdict, note=leak)
    place = Location(file="main.py", line=3)
    report = replace(
        reports.SICK,
        environment={"DATABASE_URL": leak, "SECRET_KEY": SECRET, "directory": str(tmp_path)},
        command=f"check --env DATABASE_URL={leak}",
        summary=(f"asked {leak}",),
        trials=(trial,),
        findings=(replace(reports.HOLD, location=place, advice=f"do not print {leak}"),),
        quality=replace(reports.SICK.quality, warnings=(f"SECRET_KEY={SECRET} is weak",)),
    )
    for written in (json.render(report), html.render(report), terminal.render(report)):
        assert SECRET not in written
        assert "***" in written


def test_no_stored_run_holds_a_secret(tmp_path: Path) -> None:
    recording = Recording(
        app=App(
            target="shop:app",
            interface=Interface.WSGI,
            framework=Framework.FLASK,
            directory=tmp_path,
            python=tmp_path,
            environment={"SECRET_KEY": SECRET},
        ),
        deployment=Deployment(server="gunicorn", arguments=(f"--env=API_KEY={SECRET}",)),
        workload=Workload(
            templates=(
                RequestTemplate(
                    endpoint="GET /me",
                    paths=(f"/me?token={SECRET}",),
                    headers=(("Authorization", f"Custom {SECRET}"), ("X-Api-Key", SECRET)),
                ),
            )
        ),
        steps=(),
    )
    store.save(tmp_path, reports.SICK, recording)
    assert SECRET not in repr(store.load_recording(tmp_path))
