"""A PostgreSQL cluster of the project's own, in a folder of its own; system clusters stay alone.

It listens on the loopback interface only, on a free port that the folder remembers. PostgreSQL
refuses to run as root, so root's clusters belong to the distribution's account `postgres`.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from airaware.errors import AirAwareError
from tools.machine import interrupts, processes

INSTALLED = Path("/usr/lib/postgresql")
OLDEST_VERSION = 15
HOST = "127.0.0.1"
DATABASE = "airaware"
SUPERUSER = "postgres"
OWNER = "airaware_owner"  # migrates and loads
READER = "airaware_reader"  # the web server's; can only read
START_SECONDS = 180

# Several clusters and Spark share one machine, and none of them has a standby. Parallel queries
# are off for the same reason, and since a container's small /dev/shm does not bear them.
CONFIGURATION = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "max_connections": "60",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Else the log would quote the queries that fail, and with them visitors' places.
    "log_min_error_statement": "panic",
}


def make_passfile(path: Path) -> None:
    """Write a libpq password file with a fresh password per role, unless it is there already."""
    if path.exists():
        return
    lines = [f"{HOST}:*:*:{role}:{secrets.token_hex(24)}\n" for role in (SUPERUSER, OWNER, READER)]
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text("".join(lines))
    new.rename(path)


def _passwords(passfile: Path) -> dict[str, str]:
    try:
        fields = [line.split(":") for line in passfile.read_text().splitlines()]
    except FileNotFoundError:
        raise AirAwareError(
            f"{passfile} is gone, and with it the databases' passwords: "
            "bring it back, or delete the databases with `fab destroy`"
        ) from None
    return {role: password for *_, role, password in fields}


def _account() -> dict[str, Any]:
    """Return subprocess's options by which root starts a program as the server's account."""
    if os.geteuid() != 0:
        return {}
    return {"user": SUPERUSER, "group": SUPERUSER, "extra_groups": []}


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this port of the loopback interface.

    Raises AirAwareError if this account may not use the port at all.
    """
    with socket.socket() as probe:
        # As servers do: connections of the past that linger are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise AirAwareError(
                f"Only root may listen on port {port}: name one from 1024 on"
            ) from None
        except OSError:
            return False
    return True


def _newest_version() -> str:
    versions = sorted(
        (int(path.parent.parent.name) for path in INSTALLED.glob("[0-9]*/bin/postgres")),
        reverse=True,
    )
    for version in versions:
        postgis = Path(f"/usr/share/postgresql/{version}/extension/postgis.control")
        if version >= OLDEST_VERSION and postgis.exists():
            return str(version)
    raise AirAwareError(
        f"No PostgreSQL {OLDEST_VERSION} or newer with PostGIS in {INSTALLED}: run `make setup`"
    )


@dataclass(frozen=True)
class Cluster:
    """A cluster: its folder (`data/`, `port`, `server.log`) and the file of its roles' passwords.

    All methods may be repeated: what is done already is not done again.
    """

    folder: Path
    passfile: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def port(self) -> int:
        """The port of the last start. Raises AirAwareError if there was none."""
        try:
            return int((self.folder / "port").read_text())
        except FileNotFoundError:
            raise AirAwareError(
                f"The database in {self.folder} was never started: run `fab deploy`"
            ) from None

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Return a libpq connection string for the role; the password is in the passfile."""
        return str(
            make_dsn(
                host=HOST, port=self.port, dbname=database, user=role, passfile=str(self.passfile)
            )
        )

    def exists(self) -> bool:
        """Whether the data folder was made."""
        return self.data.exists()

    def pid(self) -> int | None:
        """Return the server's process id, or None if it is not running."""
        return processes.named(self.data / "postmaster.pid", "postgres", self.data)

    def create(self) -> None:
        """Make the data folder. An attempt that was broken off leaves nothing that counts."""
        if self.exists():
            return
        word = _passwords(self.passfile)[SUPERUSER]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_reachable()
        password = self.folder / "password"
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        password.touch(mode=0o600)
        password.write_text(word)
        if os.geteuid() == 0:
            shutil.chown(self.folder, SUPERUSER, SUPERUSER)
            shutil.chown(password, SUPERUSER, SUPERUSER)
        try:
            self._run(
                "initdb",
                f"--pgdata={new}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--data-checksums",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                version=_newest_version(),
            )
        finally:
            password.unlink()
        with (new / "postgresql.conf").open("a") as configuration:
            configuration.write("include 'airaware.conf'\n")
        new.rename(self.data)

    def _check_reachable(self) -> None:
        """Raise AirAwareError if the server's account may not pass through to the folder."""
        for folder in (*reversed(self.folder.parents), self.folder):
            if subprocess.run(["test", "-x", folder], **_account()).returncode:
                raise AirAwareError(
                    f"The account {SUPERUSER}, which root's databases belong to, cannot reach "
                    f"{self.folder}, for {folder} keeps it out: let AIRAWARE_STATE name a folder "
                    f"elsewhere, or run `chmod o+x {folder}`"
                )

    def start(self) -> None:
        """Start the server and wait until it answers; then make the roles and the database."""
        if self.pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self._configure()
            self._start_server()
        self._prepare()

    def stop(self) -> None:
        """Stop the server, breaking off what its clients do."""
        if self.pid() is not None:
            self._run("pg_ctl", "stop", "--pgdata=data", "--mode=fast", "--wait")

    def destroy(self) -> None:
        """Stop the server and delete the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self) -> None:
        port_file = self.folder / "port"
        port = int(port_file.read_text()) if port_file.exists() else free_port()
        if not port_is_free(port):
            port = free_port()
        port_file.write_text(f"{port}\n")
        lines = [f"{name} = '{value}'\n" for name, value in CONFIGURATION.items()]
        configuration = self.data / "airaware.conf"
        configuration.write_text("".join([*lines, f"port = {port}\n"]))
        configuration.chmod(0o644)

    def _start_server(self) -> None:
        # The backends of a server that was killed hold its memory until they notice.
        deadline = time.monotonic() + 10
        while True:
            try:
                with interrupts.held_back():  # else a server could come up that nobody knows of
                    self._run(
                        "pg_ctl",
                        "start",
                        # Relative: pg_ctl gives them to a shell, to which `$` in a path is special.
                        "--pgdata=data",
                        "--log=server.log",
                        "--wait",
                        f"--timeout={START_SECONDS}",
                    )
                return
            except AirAwareError as error:
                if time.monotonic() > deadline:
                    raise AirAwareError(f"{error}\n{self._log_tail()}") from None
                time.sleep(1)

    def _log_tail(self) -> str:
        log = self.folder / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([*lines[-5:], f"See {log}"])

    def _prepare(self) -> None:
        passwords = _passwords(self.passfile)
        with self._superuser("postgres") as cursor:
            for role in (OWNER, READER):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
                if not cursor.fetchone():
                    cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
                # Each time, so that an attempt that was broken off is mended.
                cursor.execute(
                    sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(sql.Identifier(role)),
                    (passwords[role],),
                )
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if not cursor.fetchone():
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
        with self._superuser(DATABASE) as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
            cursor.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT ON TABLES TO {}").format(
                    sql.Identifier(OWNER), sql.Identifier(READER)
                )
            )

    @contextlib.contextmanager
    def _superuser(self, database: str) -> Iterator[psycopg2.extensions.cursor]:
        try:
            connection = psycopg2.connect(self.dsn(SUPERUSER, database))
        except psycopg2.OperationalError as error:
            raise AirAwareError(
                f"The database in {self.folder} lets nobody in: {error}"
                f"See {self.folder / 'server.log'}, then try again"
            ) from None
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _run(self, program: str, *arguments: str, version: str | None = None) -> None:
        version = version or (self.data / "PG_VERSION").read_text().strip()
        path = INSTALLED / version / "bin" / program
        if not path.exists():
            raise AirAwareError(
                f"{self.data} needs PostgreSQL {version}, but {path} is missing: install "
                f"postgresql-{version}-postgis-3, or delete the data with `fab destroy`"
            )
        done = subprocess.run(
            [str(path), *arguments],
            cwd=self.folder,
            # The operator's own PG* variables and language are none of the server's business.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C is for us to handle, but initdb tidies up by itself.
            process_group=0 if program == "pg_ctl" else None,
            **_account(),
        )
        if done.returncode != 0:
            account = f" as the account {SUPERUSER}" if _account() else ""
            raise AirAwareError(
                f"{program} failed{account} for {self.data}:\n{done.stdout.strip()}"
            )
