"""Malicious clients, and a crowd that only looks like one: one kind at a time, on schedule.

    python -m tools.drill.attackers SITE KIND SOURCE

SOURCE is the address that they come from where there is a limit for one, or empty. Ends with its
standard input; then writes how many connections got which status, as JSON: "" for those that got
none, NOT_CONNECTED for those that were never made.
"""

import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import gevent
import gevent.os
import gevent.socket
import gevent.ssl
from gevent.pool import Group

from tools.drill.http_load import schedule
from tools.machine.checkout import CHECKOUT

CONNECT_SECONDS = 10
HOLD_SECONDS = 60
READ_BYTES = 4096
NOT_CONNECTED = "not connected"


@dataclass(frozen=True)
class Kind:
    """How many connect a second, what each says, and whether it reads what it gets.

    `limited` is for kinds that test the rate limit, whose connections all come from one address:
    whether they exceed it. None for all others.
    """

    rate: float
    words: str
    reads: bool = True
    limited: bool | None = None


_FILE = "/api/v1/hours.csv?address=60614&parameter=44201&from=1980-01-01&to=2040-12-31"
_ASK = "GET /healthz HTTP/1.1\r\nHost: {host}\r\n"
# Two bodies a second were enough to have a gunicorn without a proxy miss its health checks: ten
# times as many come. 300 visitors behind one address ask for 43 pages a second. One who moves the
# map asks for five tiles: the flood is 50 times that (hieradata/role/web.yaml).
KINDS = {
    "crowd behind one address": Kind(43, _ASK + "Connection: close\r\n\r\n", limited=False),
    "flood from one address": Kind(250, _ASK + "Connection: close\r\n\r\n", limited=True),
    "heads without end": Kind(20, _ASK),
    "bodies that never come": Kind(
        20, "POST /air HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n"
    ),
    "downloads that nobody reads": Kind(
        20, f"GET {_FILE} HTTP/1.1\r\nHost: {{host}}\r\n\r\n", reads=False
    ),
    "clients that never close": Kind(20, _ASK + "\r\n"),
}


@dataclass
class Attack:
    """An attack: when it began and ended (time.monotonic), and what its connections got."""

    kind: str
    began: float
    ended: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return sum(self.statuses.values()) - self.statuses.get(NOT_CONNECTED, 0)


@contextmanager
def attacking(outside: Sequence[str], address: str, kind: str, source: str) -> Iterator[Attack]:
    """Attack the site at `address` while the context lasts.

    `outside` are the words before a command that run it outside of the region.
    """
    command = [*outside, sys.executable, "-m", __spec__.name, address, kind, source]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as visitors: Ctrl-C is meant for the runner
    ) as process:
        attack = Attack(kind, time.monotonic())
        try:
            yield attack
        finally:
            attack.ended = time.monotonic()
            said, _ = process.communicate()
            attack.statuses = json.loads(said or "{}")


@dataclass
class _Attackers:
    """All connections of an attack on a site, from `source` where that is not empty."""

    kind: Kind
    site: str
    source: str
    statuses: Counter[str] = field(default_factory=Counter)

    def attack(self) -> None:
        """Say the words, and hold the connection until the other side ends it."""
        status = NOT_CONNECTED
        try:
            with suppress(OSError), self._connect() as connection:
                status = ""
                host = urlsplit(self.site).netloc
                connection.sendall(self.kind.words.format(host=host).encode())
                while not self.kind.reads:
                    gevent.sleep(HOLD_SECONDS)
                while said := connection.recv(READ_BYTES):
                    status = status or said.split(maxsplit=2)[1].decode()
        finally:
            self.statuses[status] += 1

    def _connect(self) -> Any:
        parts = urlsplit(self.site)
        secure = parts.scheme == "https"
        address = parts.hostname or "", parts.port or (443 if secure else 80)
        bound = self.source and self.kind.limited is not None
        source = (self.source, 0) if bound else None
        connection = gevent.socket.create_connection(address, CONNECT_SECONDS, source)
        connection.settimeout(None)
        if not secure:
            return connection
        tls = gevent.ssl.SSLContext(gevent.ssl.PROTOCOL_TLS_CLIENT)
        tls.load_default_certs()
        return tls.wrap_socket(connection, server_hostname=parts.hostname)


def main(site: str, kind: str, source: str) -> None:
    """Attack until standard input ends; then write what became of it."""
    attackers, group = _Attackers(KINDS[kind], site, source), Group()

    def come() -> None:
        for _ in schedule(itertools.repeat(""), attackers.kind.rate):
            group.spawn(attackers.attack)

    coming = gevent.spawn(come)
    while gevent.os.tp_read(sys.stdin.fileno(), 1):
        pass
    coming.kill()
    group.kill()
    print(json.dumps(attackers.statuses))


if __name__ == "__main__":
    main(*sys.argv[1:])
