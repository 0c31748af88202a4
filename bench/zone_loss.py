"""One zone's database stopped, then silent, while visitors ask: how long they notice, if at all.

    unshare --net python -m bench.zone_loss STATE_FOLDER RATE

The databases of the state folder, which do not run, run here, in a network of this process's own:
packets are dropped there, and nothing outlives it. Root's alone. Prints the losses as JSON.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg2

from airaware.store.zones import HELD
from tools.drill.http_load import open_loop
from tools.drill.places import PLACE, filled
from tools.environments.local import Local
from tools.machine.postgres import READER, Cluster, free_port

PATH = f"/api/v1/air?address={PLACE}"
LEAST_READ = 0.9  # of the answers, from a database
# Seconds of the load before the loss, with it, and after it.
BEFORE, AWAY, AFTER = 1, 4, 3
SLOW_SECONDS = 0.25
_ASKED = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'airaware-web' AND query !~ %s AND query_start > %s
"""


@dataclass(frozen=True)
class Loss:
    """What visitors noticed: `slow_seconds` from the loss to the last slow answer;
    `back_seconds` from the database's return to the site's first question to it; `read` is the
    number of answers that took a database."""

    requests: int
    failed: int
    read: int
    slow: int
    slow_seconds: float
    back_seconds: float


def measured(folder: Path, rate: float) -> dict[str, Loss]:
    """Both kinds of loss of the own zone's database, by kind, in a network of their own.

    The databases of the folder must be stopped, and are stopped afterwards.
    """
    command = ["unshare", "--net", sys.executable, "-m", "bench.zone_loss", str(folder), f"{rate}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {kind: Loss(**loss) for kind, loss in json.loads(done.stdout).items()}


def can_be_measured() -> bool:
    """Whether this account and machine can have a network of their own."""
    tools = all(shutil.which(program) for program in ("unshare", "ip"))
    return os.geteuid() == 0 and tools


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _prepare_network() -> None:
    _ip("link", "set", "lo", "up")
    # The rule that finds local addresses comes first of all: behind those that drop.
    _ip("rule", "add", "pref", "10", "lookup", "local")
    _ip("rule", "del", "pref", "0")


def _silence(cluster: Cluster, verb: str) -> None:
    """Drop all that the database sends, acknowledgements too; or no longer."""
    _ip("rule", verb, "pref", "5", "ipproto", "tcp", "sport", f"{cluster.port}", "blackhole")


def _loss(
    place: Local, address: str, rate: float, lose: Callable[[], None], restore: Callable[[], None]
) -> Loss:
    own = next(iter(place.clusters.values()))

    def events() -> tuple[float, float]:
        time.sleep(BEFORE)
        lost = time.monotonic()
        lose()
        time.sleep(max(0.0, lost + AWAY - time.monotonic()))
        restore()
        return lost, _seconds_until_asked(own)

    with ThreadPoolExecutor(1) as aside:
        future = aside.submit(events)
        answers = open_loop(address, filled([PATH]), rate, BEFORE + AWAY + AFTER)
        lost, back_seconds = future.result()
    slow = [each for each in answers if each.answered > lost and each.seconds > SLOW_SECONDS]
    return Loss(
        requests=len(answers),
        failed=sum(not each.ok for each in answers),
        read=sum(each.read for each in answers),
        slow=len(slow),
        slow_seconds=max((each.answered - lost for each in slow), default=0.0),
        back_seconds=back_seconds,
    )


def _seconds_until_asked(cluster: Cluster) -> float:
    """Until a request is answered out of this database, which is back just now."""
    begin = time.monotonic()
    with psycopg2.connect(cluster.dsn(READER)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        returned = cursor.fetchone()[0]
        connection.commit()
        while time.monotonic() < begin + AFTER:
            cursor.execute(_ASKED, (f"EXECUTE {HELD.name}", returned))
            if cursor.fetchone()[0]:
                return time.monotonic() - begin
            connection.commit()  # The next look is at a later moment.
            time.sleep(0.05)
    return float("inf")


def main(folder: Path, rate: float) -> dict[str, Loss]:
    """Both losses, in this network."""
    _prepare_network()
    place = Local(folder)
    own = next(iter(place.clusters.values()))
    try:
        for cluster in place.clusters.values():
            cluster.start()
        place.web.start(free_port(), place.environ(READER))
        address = place.web.address() or ""
        return {
            "stopped": _loss(place, address, rate, own.stop, own.start),
            "silent": _loss(
                place, address, rate, lambda: _silence(own, "add"), lambda: _silence(own, "del")
            ),
        }
    finally:
        place.web.stop()
        for cluster in place.clusters.values():
            cluster.stop()


if __name__ == "__main__":
    losses = main(Path(sys.argv[1]), float(sys.argv[2]))
    print(json.dumps({kind: asdict(loss) for kind, loss in losses.items()}))
