"""The project's own clusters: who may do what, and what they survive."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from airaware.errors import AirAwareError
from airaware.science import grid
from airaware.settings import Zone
from tools.environments.local import Local
from tools.machine.postgres import HOST, OWNER, READER, Cluster


def ask(dsn: str, statement: str) -> list[tuple]:
    """The rows of one statement."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def wait_until_gone(cluster: Cluster) -> None:
    """Until the server's process has ended, at most ten seconds."""
    deadline = time.monotonic() + 10
    while cluster.pid() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def cluster(region: Local) -> Iterator[Cluster]:
    """A running cluster that a test may hurt."""
    cluster = Cluster(region.folder / "zones" / "hurt", region.passfile)
    cluster.create()
    cluster.start()
    yield cluster
    cluster.destroy()
    assert not cluster.folder.exists()


@pytest.mark.usefixtures("zones")
def test_reader_reads_what_the_owner_makes_and_changes_nothing(
    reader_zones: tuple[Zone, ...],
) -> None:
    for zone in reader_zones:
        assert ask(zone.dsn, "SELECT count(*) FROM cell") == [(len(grid.load()),)]
        for statement in (
            "DELETE FROM cell RETURNING 1",
            "CREATE TABLE mine (n integer)",
            "CREATE TABLE staging.mine (n integer)",
            "CREATE ROLE mine",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                ask(zone.dsn, statement)


def test_nobody_enters_without_a_password(zones: tuple[Zone, ...], tmp_path: Path) -> None:
    for zone in zones:
        with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
            psycopg2.connect(zone.dsn, passfile=str(tmp_path / "none"))


def test_passwords_are_for_their_owner_alone(region: Local) -> None:
    assert region.passfile.stat().st_mode & 0o777 == 0o600
    secrets = [line.rpartition(":")[2] for line in region.passfile.read_text().splitlines()]
    assert len(secrets) == 3
    assert not any(secret in region.environ(OWNER)["AIRAWARE_ZONES"] for secret in secrets)


def test_listens_on_the_loopback_interface_only(zones: tuple[Zone, ...]) -> None:
    for zone in zones:
        assert ask(zone.dsn, "SHOW listen_addresses") == [(HOST,)]
        assert ask(zone.dsn, "SHOW data_checksums") == [("on",)]


def test_survives_kill_9_and_keeps_its_port(cluster: Cluster) -> None:
    port, pid = cluster.port, cluster.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(cluster)
    cluster.start()
    assert cluster.pid() not in (None, pid)
    assert cluster.port == port
    assert ask(cluster.dsn(READER), "SELECT 1") == [(1,)]


def test_a_pid_file_from_before_a_reboot_is_no_server(cluster: Cluster) -> None:
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n")
    assert cluster.pid() is None
    cluster.stop()  # must not touch the process that has the number now
    cluster.start()
    assert cluster.pid() not in (None, os.getpid())


def test_what_is_done_is_not_done_again(cluster: Cluster) -> None:
    pid = cluster.pid()
    cluster.create()
    cluster.start()
    assert cluster.pid() == pid
    cluster.stop()
    cluster.stop()
    assert cluster.pid() is None


def test_a_broken_off_creation_does_not_count(cluster: Cluster) -> None:
    cluster.destroy()
    (cluster.folder / "data.new").mkdir(parents=True)
    (cluster.folder / "data.new" / "PG_VERSION").write_text("15\n")
    assert not cluster.exists()
    cluster.create()
    cluster.start()
    assert cluster.pid()


def test_lost_passwords_are_explained(cluster: Cluster, tmp_path: Path) -> None:
    robbed = Cluster(cluster.folder, tmp_path / "passwords")
    with pytest.raises(AirAwareError, match="fab destroy"):
        robbed.start()
