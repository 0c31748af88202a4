"""The main job as it is run, by spark-submit; and what the zones hold of it."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg2 import sql

from airaware import store
from airaware.settings import Zone
from airaware.store.load import TABLES
from tools.environments.local import Local

OZONE = 44201
END_SECONDS = 20


class Submits:
    """Starts spark-submit on the tests' zones."""

    def __init__(self, region: Local):
        self._region = region
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self,
        raw: Path,
        years: str,
        parameters: list[int] | None = None,
        master: str = "local[2]",
        environ: Mapping[str, str] | None = None,
    ) -> "subprocess.Popen[str]":
        """A submit under way, a process group of its own; stdout is all that a terminal shows."""
        process = subprocess.Popen(
            self._region.submit_command(years, parameters or [], master),
            # Files of years in bulk take seconds: who looks at them says where they go.
            env=self._region.submit_environ(master)
            | {"AIRAWARE_RAW": str(raw), "AIRAWARE_BULK": "", **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def run(self, *arguments: Any, **more: Any) -> tuple[int, str]:
        """A whole submit (arguments as of `start`): its exit status, and all that it said."""
        return ended(self.start(*arguments, **more))

    def kill_all(self) -> None:
        """End what still runs."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout:
                process.stdout.close()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit status of a submit, and all that it said since its output was last read."""
    said = "".join(process.stdout or ())
    process.wait(END_SECONDS)
    print(said)
    return process.returncode, said


def wait_for(process: "subprocess.Popen[str]", text: str) -> str:
    """Read a submit's lines until one holds the text; all of them."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"'{text}' was not said, but: {''.join(lines)}")


def staging_tables(zone: Zone) -> list[str]:
    """The staging tables in the zone, of loads under way or dead."""
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")
        return [name for (name,) in cursor]


def forget_all(zone: Zone) -> None:
    """Drop all that was loaded into the zone."""
    with closing(store.connect(zone)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM load RETURNING parameter, year")
        for parameter, year in cursor.fetchall():
            for table in TABLES:
                partition = sql.Identifier(f"{table}_{parameter}_{year}")
                cursor.execute(sql.SQL("DROP TABLE {}").format(partition))
