"""The role database: PostgreSQL, to which nobody comes without TLS and a password."""

import pytest
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet

# Prints why a connection to the database of each zone, spoiled by the words after, fails.
REFUSED = """
import os, psycopg2
from airaware import settings
for zone in settings.read().zones:
    dsn = psycopg2.extensions.make_dsn(zone.dsn, **{changes})
    try:
        psycopg2.connect(dsn, connect_timeout=5)
        print(zone.name, "let in")
    except psycopg2.OperationalError as error:
        print(zone.name, str(error).strip().replace(os.linesep, " "))
"""
ANSWERS = """
import psycopg2
from airaware import settings
for zone in settings.read().zones:
    with psycopg2.connect(zone.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version, usename FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                       " WHERE pid = pg_backend_pid() AND ssl")
        print(zone.name, *cursor.fetchone())
"""


@pytest.fixture(scope="module")
def databases(fleet: Fleet) -> list[Inspected]:
    return inspected(fleet, "database")


@pytest.fixture(scope="module")
def client(fleet: Fleet) -> Inspected:
    """A host that may connect to every zone's database."""
    return inspected(fleet, "web")[0]


def psql(host: Inspected, statement: str, database: str = "airaware") -> str:
    return host.root.check_output(
        "runuser -u postgres -- psql --no-psqlrc -Atd %s -c %s", database, statement
    )


def test_services_and_ports(databases: list[Inspected]) -> None:
    for host in databases:
        assert host.active("postgresql@15-main", "prometheus-postgres-exporter"), host
        assert host.active(
            "airaware-save.timer", "airaware-refill.timer", "airaware-verify.timer"
        ), host
        assert host.ports() == {22, 5432, 9100, 9187}, host


def test_versions_and_checksums(databases: list[Inspected]) -> None:
    for host in databases:
        assert psql(host, "SHOW server_version_num").startswith("15"), host
        assert psql(host, "SELECT postgis_lib_version()").startswith("3."), host
        assert psql(host, "SHOW data_checksums") == "on", host


def test_everybody_comes_with_tls(client: Inspected, databases: list[Inspected]) -> None:
    lines = client.python(ANSWERS).splitlines()
    expected = [f"{host.instance.zone} TLSv1.3 airaware_reader" for host in databases]
    assert sorted(lines) == sorted(expected)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sslmode": "disable"}, "no encryption"),
        ({"password": "wrong", "passfile": "/dev/null"}, "password authentication failed"),
        ({"sslrootcert": "/etc/ssl/certs/ca-certificates.crt"}, "certificate verify failed"),
        ({"user": "postgres", "password": "wrong"}, "no pg_hba.conf entry"),
    ],
)
def test_nobody_else_is_let_in(
    client: Inspected, databases: list[Inspected], changes: dict, reason: str
) -> None:
    lines = client.python(REFUSED.replace("{changes}", repr(changes))).splitlines()
    assert len(lines) == len(databases)
    for line in lines:
        assert reason in line, line


def test_the_reader_cannot_write(client: Inspected) -> None:
    code = ANSWERS.replace("SELECT version", "DELETE FROM load; SELECT version")
    assert client.python(code) == ""


def test_only_the_verifier_of_a_password_is_kept(databases: list[Inspected]) -> None:
    for host in databases:
        kept = psql(host, "SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
        assert kept.splitlines()
        assert all(line.startswith("SCRAM-SHA-256$") for line in kept.splitlines()), host


def test_keys_are_the_servers_alone(databases: list[Inspected]) -> None:
    for host in databases:
        assert host.owned("/etc/postgresql/tls/server.key") == ("postgres", "postgres", 0o600), host
        assert host.owned("/var/lib/postgresql/15/main") == ("postgres", "postgres", 0o700), host
