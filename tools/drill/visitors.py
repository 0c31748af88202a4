"""Visitors of the site during a drill: they come on schedule, whatever becomes of the answers.

    python -m tools.drill.visitors ADDRESS RATE PATH ...

In a path, `{place}` stands for a place that is another each time.

Each visit opens a connection of its own. Half of the visitors resolve the site's name each time;
the other half keep one address until its DNS record expires. Writes one line of JSON per answer
(the fields of Visit, in order), and ends with its standard input.
"""

import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from urllib.parse import urlsplit

import gevent
import gevent.os
import gevent.socket
from gevent.pool import Group
from geventhttpclient import HTTPClient

from tools.drill.http_load import (
    MOST_CONNECTIONS,
    TIMEOUT_SECONDS,
    ask,
    client_of,
    schedule,
)
from tools.drill.places import filled
from tools.machine.checkout import CHECKOUT

LOOK_UP_SECONDS = 1.0
HOLD_SECONDS = 60.0  # the time to live of a balancer's name
HOLDERS = 20
RESOLVING, HOLDING = "resolving", "holding"
REFUSALS = (429, 503)
START_SECONDS = 5
VISIT_SECONDS = 2 * TIMEOUT_SECONDS  # the longest: to connect, and to be answered


@dataclass(frozen=True)
class Visit:
    """A request: when it was due (time.monotonic), how long it took, whether it was answered well.

    `kind` is the kind of visitor, `node` the address of the load balancer's node that it asked;
    `read`: whether the answer took a database. `status` is the answer's; 0 where there was none.
    `lag` is how long after it was due it was sent; `retry`: whether the answer says when to come
    back.
    """

    due: float
    seconds: float
    ok: bool
    kind: str
    node: str
    read: bool = False
    status: int = 0
    lag: float = 0.0
    retry: bool = False

    @property
    def ended(self) -> float:
        """When it was answered, or given up (time.monotonic)."""
        return self.due + self.seconds

    @property
    def refused(self) -> bool:
        """Whether the site said that it is too much, and not a balancer that has no host."""
        return self.status in REFUSALS and self.retry


@dataclass
class Visitors:
    """Visitors who come until they are stopped; `visits` grows meanwhile."""

    process: subprocess.Popen[str]
    visits: list[Visit] = field(default_factory=list)

    def read(self) -> None:
        """Collect their reports until the last of them has ended."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.visits.append(Visit(*json.loads(line)))


@contextmanager
def coming(
    outside: Sequence[str], address: str, rate: float, paths: Sequence[str]
) -> Iterator[Visitors]:
    """Send visitors, `rate` a second in all, to the site at `address` while the context lasts.

    `outside` are the words before a command that run it outside of the region. At the end, all
    visits under way have been recorded.
    """
    command = [*outside, sys.executable, "-m", __spec__.name, address, f"{rate:g}", *paths]
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is meant for the runner, who still needs them
    )
    visitors = Visitors(process)
    reader = threading.Thread(target=visitors.read, daemon=True)
    reader.start()
    try:
        yield visitors
    finally:
        assert process.stdin
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(VISIT_SECONDS + 5)
        process.kill()
        reader.join()
        process.wait()
        if process.stdout:
            process.stdout.close()


@dataclass
class _Book:
    """The site's addresses, as its name server gives them now."""

    host: str
    port: int
    addresses: list[str] = field(default_factory=list)

    def look_up(self) -> None:
        """Resolve the name; without an answer, keep the last addresses."""
        with suppress(OSError):
            found = gevent.socket.getaddrinfo(
                self.host, self.port, gevent.socket.AF_INET, gevent.socket.SOCK_STREAM
            )
            self.addresses = sorted({str(each[4][0]) for each in found})

    def keep_up(self) -> None:
        """Resolve the name again and again."""
        while True:
            gevent.sleep(LOOK_UP_SECONDS)
            self.look_up()


class _Holder:
    """A visitor who keeps using one address."""

    def __init__(self, book: _Book, until: float) -> None:
        self._book, self._until = book, until
        self._address = random.choice(book.addresses)

    def address(self) -> str:
        """Return the visitor's address; choose a new one when it has expired."""
        if time.monotonic() >= self._until:
            self._address = random.choice(self._book.addresses)
            self._until = time.monotonic() + HOLD_SECONDS
        return self._address


def _client(stack: dict[str, HTTPClient], site: str, address: str) -> HTTPClient:
    """Return the client for a node, made once; its requests name the site."""
    if address not in stack:
        parts = urlsplit(site)
        host = parts.hostname or ""
        options = {"ssl_options": {"server_hostname": host}} if parts.scheme == "https" else {}
        port = f":{parts.port}" if parts.port else ""
        stack[address] = client_of(
            f"{parts.scheme}://{address}{port}",
            MOST_CONNECTIONS,
            headers={"Host": parts.netloc, "Connection": "close"},
            **options,
        )
    return stack[address]


def main(site: str, rate: float, paths: Sequence[str]) -> None:
    """Visit until standard input ends, then wait for the last answers."""
    parts = urlsplit(site)
    book = _Book(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    deadline = time.monotonic() + START_SECONDS
    while not book.addresses:
        if time.monotonic() > deadline:
            sys.exit(f"visitors: nobody knows an address of {book.host}")
        book.look_up()
        gevent.sleep(0 if book.addresses else LOOK_UP_SECONDS)
    gevent.spawn(book.keep_up)
    now = time.monotonic()
    holders = itertools.cycle(
        [_Holder(book, now + HOLD_SECONDS * number / HOLDERS) for number in range(1, HOLDERS + 1)]
    )
    clients: dict[str, HTTPClient] = {}

    def visit(due: float, kind: str, node: str, path: str) -> None:
        lag = time.monotonic() - due
        reply = ask(_client(clients, site, node), path)
        seconds = time.monotonic() - due
        said = reply.ok, kind, node, reply.read, reply.status
        made = Visit(due, seconds, *said, lag, reply.retry)
        try:
            print(json.dumps(astuple(made)), flush=True)
        except BrokenPipeError:
            os._exit(1)  # whoever wanted to know is gone; an exception would end this visit alone

    def come() -> None:
        kinds = itertools.cycle((RESOLVING, HOLDING))
        for path, due in schedule(filled(paths), rate):
            kind = next(kinds)
            node = next(holders).address() if kind == HOLDING else random.choice(book.addresses)
            group.spawn(visit, due, kind, node, path)

    group = Group()
    coming = gevent.spawn(come)
    while gevent.os.tp_read(sys.stdin.fileno(), 1):
        pass
    coming.kill()
    group.join(timeout=VISIT_SECONDS + 1)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
