"""gevent: greenlets are requests of their own, and what it replaces is observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import reading

if TYPE_CHECKING:
    from running import Probe

CODE = """
    from gevent import monkey; monkey.patch_all()
    import gevent.event, sqlite3, time
    from pinchpoint_probe import entry, postimport
    order, overtaken = [], gevent.event.Event()
    def app(environ, start_response):
        time.sleep(0.001)
        if environ["n"] == 1:
            overtaken.wait()
        order.append(environ["n"])
        sqlite3.connect(":memory:").execute(f"SELECT {environ['n']} AS n")
        overtaken.set()
        return [b"ok"]
    served = entry.wrap_wsgi(app)
    def get(n):
        method = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{n}"}
        served({"HTTP_X_PINCHPOINT": f"{n}-1", "n": n, **method}, None)
    gevent.joinall([gevent.spawn(get, n) for n in (1, 2)], raise_error=True)
    print(order, postimport.failures)
"""


def test_what_overlapping_greenlets_do_belongs_to_their_requests(probe: Probe) -> None:
    assert probe.run(CODE) == "[2, 1] []"
    assert {(one.trace, one.name) for one in reading.requests(probe.folder)} == {
        (1, "GET /1"),
        (2, "GET /2"),
    }
    slept = reading.spans(probe.folder, "sleep")
    assert sorted((one.trace, one.name, one.function) for one in slept) == [
        (1, "gevent.sleep", "app"),
        (2, "gevent.sleep", "app"),
    ]
    assert [one.trace for one in reading.spans(probe.folder, "sql")] == [2, 1]
