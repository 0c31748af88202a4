"""A database by a name that the reader resolves itself: its certificate is still checked."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from deadline import until
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from airaware import store
from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store.zones import NoZoneError, Reader
from tools.environments.local import Local
from tools.machine.postgres import HOST, READER, SUPERUSER, Cluster

NAME, OTHER = "database-a.test", "database-b.test"


@pytest.fixture
def tls(region: Local) -> Iterator[Cluster]:
    """The first zone's server with TLS, and a certificate for NAME."""
    cluster = region.clusters["a"]
    files = {"cert": cluster.data / "test.crt", "key": cluster.data / "test.key"}
    words = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"]
    paths = ["-out", str(files["cert"]), "-keyout", str(files["key"])]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *words, *paths]
    subprocess.run(command, check=True, capture_output=True)
    files["key"].chmod(0o600)
    if os.geteuid() == 0:
        for path in files.values():
            shutil.chown(path, SUPERUSER, SUPERUSER)
    try:
        _configure(cluster, ssl="on", ssl_cert_file="test.crt", ssl_key_file="test.key")
        yield cluster
    finally:
        _configure(cluster, ssl=None, ssl_cert_file=None, ssl_key_file=None)
        for path in files.values():
            path.unlink()


def _configure(cluster: Cluster, **settings: str | None) -> None:
    with closing(psycopg2.connect(cluster.dsn(SUPERUSER))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name, value in settings.items():
                change = "RESET {}" if value is None else "SET {} = {}"
                words = [sql.Identifier(name), *([] if value is None else [sql.Literal(value)])]
                cursor.execute(sql.SQL(f"ALTER SYSTEM {change}").format(*words))
            cursor.execute("SELECT pg_reload_conf()")

    def applied() -> bool:
        with closing(psycopg2.connect(cluster.dsn(SUPERUSER))) as other:
            return bool(other.info.ssl_in_use) == (settings["ssl"] == "on")

    until(applied)


def zone(cluster: Cluster, name: str, folder: Path) -> Zone:
    passwords = folder / "passwords"
    passwords.write_text(cluster.passfile.read_text().replace(HOST, "*"))
    passwords.chmod(0o600)
    own = make_dsn(cluster.dsn(READER), host=name, passfile=str(passwords))
    return Zone("a", f"{own} sslmode=verify-full sslrootcert={cluster.data / 'test.crt'}")


def test_a_certificate_has_to_bear_the_name(
    tls: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(0, 0, 0, "", (HOST, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    own = zone(tls, NAME, tmp_path)
    assert Reader([own]).fetch("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0].ssl
    with closing(store.connect(own)) as connection:
        assert connection.info.ssl_in_use
    other = zone(tls, OTHER, tmp_path)
    with pytest.raises(NoZoneError):
        Reader([other]).fetch("SELECT 1")
    with pytest.raises(AirAwareError, match=f'does not match host name "{OTHER}"'):
        store.connect(other)
    assert set(asked) == {NAME, OTHER}
