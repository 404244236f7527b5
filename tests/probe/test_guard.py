"""Under guard nothing leaves the machine, and the application is told why."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING

import pytest
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Probe

BEGIN = """
from pinchpoint_probe import guard, patching, postimport, spans, state
frame = spans.begin(7, 0)
spans.current.set(frame)
"""


@pytest.fixture
def guarded(probe: Probe) -> Probe:
    with (probe.folder / "control").open("r+b") as control:
        control.seek(wire.CONTROL_GUARD)
        control.write(b"\1")
    return probe


@pytest.fixture
def server() -> Iterator[str]:
    """An HTTP server on loopback that answers every GET."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield f"127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def run(probe: Probe, code: str, **options: str) -> str:
    end = "\nassert not postimport.failures, postimport.failures\n"
    return probe.run(BEGIN + code + end, **options)


def attempt(call: str) -> str:
    return f"""
try:
    {call}
except OSError as error:
    print(type(error).__name__, "allow_hosts" in str(error), frame.request.refusals)
"""


GEVENT = "from gevent import monkey; monkey.patch_all()"
CONNECTS = [
    'import socket; socket.create_connection(("203.0.113.7", 80), 1)',
    'import socket; socket.create_connection(("shop.example.com", 80), 1)',
    'import socket; socket.create_connection(("2001:db8::9", 80), 1)',
    'import socket; socket.socket().connect(("203.0.113.7", 80))',
    "import asyncio; asyncio.run(asyncio.open_connection('shop.example.com', 443))",
    f'{GEVENT}; import socket; socket.create_connection(("shop.example.com", 80), 1)',
    f'{GEVENT}; import socket; socket.socket().connect(("203.0.113.7", 80))',
]


@pytest.mark.parametrize("call", CONNECTS)
def test_a_connection_off_loopback_is_refused_with_the_setting_to_change(
    guarded: Probe, call: str
) -> None:
    assert run(guarded, attempt(call)) == "RefusedError True 1"
    (span,) = spans(guarded.folder, "outbound")
    assert span.flags == wire.REFUSED
    assert span.line.startswith("main.py:")


def test_a_refusal_names_the_host_and_not_the_address_that_stands_for_it(guarded: Probe) -> None:
    code = """
import socket
try:
    socket.create_connection(("shop.example.com", 80), 1)
except ConnectionRefusedError as error:
    print(error.errno, str(error).partition(":")[0])
"""
    refused = "pinchpoint refused the connection to shop.example.com"
    assert run(guarded, code) == f"111 [Errno 111] {refused}"
    (span,) = spans(guarded.folder, "outbound")
    assert span.name == "shop.example.com"


def test_connect_ex_answers_with_the_number(guarded: Probe) -> None:
    code = 'import socket; print(socket.socket().connect_ex(("203.0.113.7", 80)))'
    assert run(guarded, code) == "111"


def test_loopback_and_unix_sockets_are_reached(guarded: Probe, server: str) -> None:
    host, _, port = server.partition(":")
    code = f"""
import asyncio, os, socket
for host in ("{host}", "localhost", "::ffff:127.0.0.1"):
    socket.create_connection((host, {port}), 5).close()
listener = socket.socket(socket.AF_UNIX)
listener.bind("s")
listener.listen()
socket.socket(socket.AF_UNIX).connect("s")
async def connect():
    _, writer = await asyncio.open_connection("localhost", {port})
    writer.close()
asyncio.run(connect())
print(frame.request.refusals)
"""
    assert run(guarded, code) == "0"


def test_without_guard_a_name_is_looked_up(probe: Probe) -> None:
    code = """
import socket
print(socket.getaddrinfo("203.0.113.7", 80)[0][4][0], guard.stand_in("203.0.113.7", 0) == "")
with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    try:
        socket.create_connection(closed.getsockname(), 5)
    except ConnectionRefusedError as error:
        print("pinchpoint" in str(error), frame.request.refusals)
"""
    assert run(probe, code) == "203.0.113.7 True\nFalse 0"


def test_an_allowed_host_may_be_reached_by_name_and_address(guarded: Probe) -> None:
    code = """
guard.note_addresses("partner.example.com", ["203.0.113.9"])
guard.note_addresses("other.example.com", ["203.0.113.10"])
for host in ("partner.example.com", "Partner.Example.com", "203.0.113.9", "203.0.113.10"):
    print(guard.is_allowed(host))
"""
    allowed = {wire.ALLOW_VARIABLE: "partner.example.com"}
    assert run(guarded, code, **allowed) == "True\nTrue\nTrue\nFalse"


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("[::1]", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::ffff:127.0.0.1", True),
        ("/run/postgresql", True),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("::2", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("db", False),
    ],
)
def test_only_this_machine_is_local(host: str, *, is_local: bool) -> None:
    from pinchpoint_probe import guard

    assert guard.is_local(host) is is_local


MAIL = """
import smtplib
from email.message import EmailMessage
message = EmailMessage()
message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hello"
message.set_content("text")
with smtplib.SMTP("mail.example.com", 587, timeout=1) as smtp:
    smtp.starttls()
    smtp.login("user", "password")
    print(smtp.send_message(message), smtp.sendmail("a@x.de", ["b@x.de"], "text"))
print(frame.request.refusals)
"""


def test_mail_is_taken_but_not_sent(guarded: Probe) -> None:
    assert run(guarded, MAIL) == "{} {}\n0"
    recorded = [(span.name, span.flags) for span in spans(guarded.folder, "outbound")]
    assert recorded == [("smtp", wire.REFUSED)] * 2


def test_djangos_mail_backend_is_content(guarded: Probe) -> None:
    code = """
import django
from django.conf import settings
settings.configure(EMAIL_HOST="mail.example.com", EMAIL_USE_SSL=False, EMAIL_USE_TLS=True,
                   EMAIL_HOST_USER="user", EMAIL_HOST_PASSWORD="password")
django.setup()
from django.core.mail import send_mail
print(send_mail("Hello", "text", "a@example.com", ["b@example.com"]), frame.request.refusals)
"""
    assert run(guarded, code) == "1 0"


def test_a_celery_task_is_taken_but_not_sent(guarded: Probe) -> None:
    pytest.importorskip("celery")
    code = """
from celery import Celery, chain
app = Celery("shop", broker="memory://")
@app.task
def bill(order):
    raise AssertionError("not here")
print(bool(bill.delay(1).id), bill.apply_async((1,), task_id="mine").id)
print(bool(chain(bill.s(1), bill.si(2)).apply_async().id))
app.conf.task_always_eager = True
@app.task
def double(number):
    return 2 * number
print(double.delay(2).get())
"""
    assert run(guarded, code) == "True mine\nTrue\n4"
    assert {span.flags for span in spans(guarded.folder, "outbound")} == {wire.REFUSED}


def test_uvloop_refuses_too(guarded: Probe) -> None:
    pytest.importorskip("uvloop")
    call = "import asyncio, uvloop; uvloop.run(asyncio.open_connection('shop.example.com', 80))"
    assert run(guarded, attempt(call)) == "RefusedError True 1"


def test_urllib_is_recorded_once_and_without_its_query(probe: Probe, server: str) -> None:
    code = f"""
import urllib.request
print(urllib.request.urlopen("http://{server}/items?token=secret").read())
"""
    assert run(probe, code) == "b'ok'"
    (span,) = spans(probe.folder, "outbound")
    assert span.name == f"GET http://{server}/items"
    assert span.flags == 0
    assert span.line.startswith("main.py:")


def test_requests_is_recorded_once(probe: Probe, server: str) -> None:
    pytest.importorskip("requests")
    run(probe, f'import requests; requests.get("http://{server}/items?token=secret")')
    (span,) = spans(probe.folder, "outbound")
    assert span.name == f"GET http://{server}/items"


def test_httpx_is_recorded_once_and_marked_where_it_blocks(probe: Probe, server: str) -> None:
    code = f"""
import asyncio, httpx
async def handler():
    async with httpx.AsyncClient() as client:
        await client.get("http://{server}/a?token=secret")
    httpx.get("http://{server}/b")
httpx.get("http://{server}/c")
asyncio.run(handler())
"""
    run(probe, code)
    recorded = [(span.name, span.flags) for span in spans(probe.folder, "outbound")]
    assert recorded == [
        (f"GET http://{server}/c", 0),
        (f"GET http://{server}/a", 0),
        (f"GET http://{server}/b", wire.BLOCKED_LOOP),
    ]


def test_aiohttp_is_recorded_once(probe: Probe, server: str) -> None:
    pytest.importorskip("aiohttp")
    code = f"""
import aiohttp, asyncio
async def handler():
    async with aiohttp.ClientSession() as session:
        async with session.get("http://{server}/a?token=secret") as response:
            await response.read()
asyncio.run(handler())
"""
    run(probe, code)
    (span,) = spans(probe.folder, "outbound")
    assert span.name == f"GET http://{server}/a"


def test_a_guarded_httpx_fails_as_if_the_port_were_closed(guarded: Probe) -> None:
    code = """
import httpx
try:
    httpx.get("http://shop.example.com/items")
except httpx.ConnectError:
    print("closed", frame.request.refusals)
"""
    assert run(guarded, code) == "closed 1"
    flags = [span.flags for span in spans(guarded.folder, "outbound")]
    assert flags == [wire.REFUSED, wire.FAILED]


def test_a_sleep_is_recorded_and_marked_where_it_blocks(probe: Probe) -> None:
    code = """
import asyncio, time
from time import sleep
async def handler():
    time.sleep(0)
sleep(0)
asyncio.run(handler())
"""
    run(probe, code)
    assert [span.flags for span in spans(probe.folder, "sleep")] == [0, wire.BLOCKED_LOOP]


def test_restore_undoes_every_patch(guarded: Probe) -> None:
    code = """
import http.client, smtplib, socket, time
patching.restore()
print(socket.socket.connect is __import__("_socket").socket.connect, time.sleep.__module__)
print({getattr(f, "__module__", None) for f in (
    http.client.HTTPConnection.putrequest, smtplib.SMTP.connect, socket.getaddrinfo)})
"""
    seen = run(guarded, code)
    assert seen.startswith("True time")
    assert "pinchpoint" not in seen


HOSTS = """
    from django.conf import settings
    settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["shop.example"])
    from django.core.exceptions import DisallowedHost
    from django.test import RequestFactory
    for host in ("shop.example", "127.0.0.1:8000", "other.example"):
        try:
            print(RequestFactory().get("/", headers={"host": host}).get_host())
        except DisallowedHost:
            print("disallowed")
"""


def test_a_production_site_answers_to_the_address_that_it_is_asked_by(guarded: Probe) -> None:
    assert guarded.run(HOSTS).split() == ["shop.example", "127.0.0.1:8000", "disallowed"]


def test_without_guard_the_hosts_are_what_the_site_allows(probe: Probe) -> None:
    assert probe.run(HOSTS).split() == ["shop.example", "disallowed", "disallowed"]
