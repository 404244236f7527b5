"""The layout of what the probe writes: shared by the probe and by the tool that reads it.

Each process of the application has two files in the run's probe folder, both mapped and
preallocated, so that what a killed worker wrote survives:

`<pid>.ring`
    A header of HEADER_BYTES, then `capacity` slots of one RECORD each. Record number n
    (from 0) stands in slot n % capacity and carries n + 1 as its sequence number, written
    last. A reader that finds a larger number there was overtaken; the difference is lost.
`<pid>.strings`
    Statements, endpoints and call sites, each written once: a header of HEADER_BYTES whose
    first eight bytes count the bytes in use, then entries of a 4-byte length and UTF-8 text.
    The first entry has id 1; id 0 is the empty text. A text is written before the records
    that name it, so a reader takes the records first.

`control` is one page, written by the tool and read by every worker: see the CONTROL_ names.
"""

from _struct import Struct  # struct.py re-exports it, and is one file more to load

MAGIC = b"PINCH001"
HEADER_BYTES = 4096
HEADER = Struct("<8sIII")  # magic, pid, capacity, bytes of a record
RING_CAPACITY = 1 << 17
STRINGS_BYTES = 1 << 23
LONGEST_TEXT_BYTES = 8192

# kind, category, flags, thread, trace, start_ns, end_ns, span, parent, name, site, rows, extra, seq
RECORD = Struct("<BBHIQqqIIIIiIQ")
RING_BYTES = HEADER_BYTES + RING_CAPACITY * RECORD.size
MOST_ROWS = 0x7FFFFFFF
"""The largest number in a record's `rows`; what is larger is written as this."""

REQUEST = 1
"""One request: name is the endpoint, extra the HTTP status, rows the CPU time in
microseconds; the intended start in ns is parent << 32 | span."""
SPAN = 2
HOLD = 3
"""A resource that was held: name is the resource, trace the holder, site where it was taken."""

CATEGORIES = (
    "framework",
    "app",
    "pool_wait",
    "connect",
    "sql",
    "cache",
    "outbound",
    "serialize",
    "template",
    "sleep",
    "executor",
    "lock",
    "hash",
    "gc",
)
FRAMEWORK, APP, POOL_WAIT, CONNECT, SQL, CACHE, OUTBOUND = range(7)
SERIALIZE, TEMPLATE, SLEEP, EXECUTOR, LOCK, HASH, GC = range(7, len(CATEGORIES))

BLOCKED_LOOP = 1
"""The call blocked a thread that runs an event loop."""
REFUSED = 2
"""The probe or the read-only session refused a write, or the probe an outbound call."""
FAILED = 4
"""The call raised."""
CONTINUED = 8
"""It goes on with a statement that has a record already (fetching), or ends a transaction."""

CONTROL_BYTES = 4096
CONTROL_RECORDING = 0
"""Byte of the control page: 1 while requests are recorded."""
CONTROL_GUARD = 1
"""Byte of the control page: 1 from the first request on: sessions are read-only, outbound
connections off loopback are refused, mail and tasks are captured."""

TRACE_HEADER = "x-pinchpoint"
"""`<trace id>-<intended start in ns>`, decimal; removed before the application sees it."""
COMMAND_HEADER = "x-pinchpoint-command"
"""`<token> <command> <URL-quoted JSON arguments>`; answered by the probe, not by the app."""

DIRECTORY_VARIABLE = "PINCHPOINT_PROBE_DIR"
TOKEN_VARIABLE = "PINCHPOINT_PROBE_TOKEN"  # noqa: S105  # the variable's name, not a token
USER_CODE_VARIABLE = "PINCHPOINT_PROBE_USER_CODE"
"""Folders of the user's code and names of its installed packages, joined by os.pathsep."""
ALLOW_VARIABLE = "PINCHPOINT_PROBE_ALLOW"
"""Host names that may be reached although they are not on loopback, joined by commas."""
DATABASES_VARIABLE = "PINCHPOINT_PROBE_DATABASES"
"""JSON object: database name or SQLite path -> the clone that is to be opened instead."""
CHANGE_VARIABLE = "PINCHPOINT_PROBE_CHANGE"
"""JSON object: `file` of a fix and its `parameters`; applied when the process starts."""


def digest(statement: str) -> str:
    """A short name of a statement: texts may be longer than a server lets a header be."""
    from hashlib import blake2b

    return blake2b(statement.encode("utf-8", "replace"), digest_size=8).hexdigest()
