"""Certificates, names and descriptors: what is wrong is said, and no arrival is lost."""

from __future__ import annotations

import socket
import ssl

import pytest
import trustme
from engines import engine_for
from scripted_server import ScriptedServer
from shop_server import ShopServer

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.load.engines.openloop import OpenLoop
from pinchpoint.model.workload import Arrivals, RequestTemplate, Workload

pytestmark = pytest.mark.e2e

SHORT = Arrivals(rate_rps=60, duration_s=0.5)
WORKLOAD = Workload(templates=(RequestTemplate(endpoint="GET /a", paths=("/a",)),))
PLAIN = Workload(templates=(RequestTemplate(endpoint="GET /plain", paths=("/plain",)),))


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def shop(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ShopServer(tls=context) as server:
        yield server


def samples_of(url: str, workload: Workload = WORKLOAD, **options):
    with engine_for(url, workload, **options) as (engine, _):
        step = engine.open(SHORT, "pin")
    assert len(step.samples) == len(start_times_s(SHORT))
    return step.samples


def errors_of(url: str, **options) -> set[tuple[int, str]]:
    return {(sample.status, sample.error) for sample in samples_of(url, **options)}


def test_a_certificate_that_is_trusted_is_accepted(shop, authority, tmp_path, monkeypatch):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    url = f"https://localhost:{shop.port}"
    assert errors_of(url) == {(200, "")}
    assert len({one.headers["x-pinchpoint"] for one in shop.asked}) == len(shop.asked)
    with engine_for(url, WORKLOAD) as (engine, _):
        assert engine.answers()["GET /a"].startswith("200 ")


def test_a_certificate_that_nobody_signed_is_an_error_of_each_request(shop):
    assert errors_of(f"https://localhost:{shop.port}") == {(0, "tls")}
    assert shop.asked == []


def test_a_certificate_for_another_host_is_an_error(shop, authority, tmp_path, monkeypatch):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert errors_of(f"https://127.0.0.1:{shop.port}") == {(0, "tls")}


def test_certificates_need_not_be_verified(shop):
    url = f"https://127.0.0.1:{shop.port}"
    assert errors_of(url, verifies_tls=False) == {(200, "")}
    with engine_for(url, WORKLOAD, verifies_tls=False) as (engine, _):
        list(engine.closed(3, 0.5, "plateau"))
    assert {sample.error for sample in engine.steps[0].samples} == {""}
    assert all(
        sample.intended_ns <= sample.sent_ns <= sample.first_byte_ns <= sample.completed_ns
        for sample in engine.steps[0].samples
    )


def test_a_server_without_tls_is_an_error_of_tls():
    with ScriptedServer() as server:
        url = server.url.replace("http:", "https:")
        assert errors_of(url, timeout_s=1) <= {(0, "tls"), (0, "timeout")}


def test_a_name_that_leads_nowhere_is_said_before_the_run():
    with pytest.raises(LaunchError, match=r"'no-such-host\.invalid' leads nowhere"):
        OpenLoop(start=pytest.fail, workload=WORKLOAD, base_url="http://no-such-host.invalid:1")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://127.0.0.1:99999"])
def test_a_url_that_cannot_be_is_said_before_the_run(url: str):
    with pytest.raises(UsageError):
        OpenLoop(start=pytest.fail, workload=WORKLOAD, base_url=url)


def test_a_name_leads_to_the_address_that_answers():
    with ScriptedServer() as server:  # on 127.0.0.1 alone, where localhost may be ::1 first
        port = server.url.rpartition(":")[2]
        assert {sample.status for sample in samples_of(f"http://localhost:{port}", PLAIN)} == {200}


def test_a_port_that_nobody_listens_on_refuses_each_request():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert errors_of(f"http://127.0.0.1:{port}") == {(0, "refused")}


def test_more_connections_than_files_may_be_open_are_said_before_the_run():
    with pytest.raises(LaunchError, match="open files"):
        OpenLoop(
            start=pytest.fail,
            workload=WORKLOAD,
            base_url="http://127.0.0.1:1",
            most_connections=10**15,
        )


def test_requests_without_a_descriptor_are_counted_and_make_the_step_invalid():
    arrivals = Arrivals.recorded([0.0] * 60, duration_s=0.5)
    limited = ("sh", "-c", 'ulimit -n 32; exec "$@"', "sh")
    with (
        ScriptedServer(stall_at=1, stall_s=0.5) as server,
        engine_for(server.url, PLAIN, prefix=limited) as (engine, _),
    ):
        step = engine.open(arrivals, "pin")
    assert len(step.samples) == 60
    errors = [sample.error for sample in step.samples]
    assert set(errors) == {"", "exhausted"}
    assert f"{errors.count('exhausted')} of 60 requests were never sent" in step.invalid
