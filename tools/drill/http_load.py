"""Load on a site: open or closed.

An open load sends requests on schedule, whatever becomes of the answers; a closed one has a number
of clients that each wait for an answer before they ask again.
"""

import itertools
import math
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.pool import Group
from geventhttpclient import HTTPClient

TIMEOUT_SECONDS = 10.0
# More than are ever under way at once: an open loop waits for nobody.
MOST_CONNECTIONS = 2000
SEED = 2017
GOOD = (200, 204)


@dataclass(frozen=True)
class Answer:
    """When a request was due and when it was answered (time.monotonic), and how: see Reply."""

    due: float
    answered: float
    ok: bool
    read: bool

    @property
    def seconds(self) -> float:
        """How long the visitor waited, the client's own delays included."""
        return self.answered - self.due


@dataclass(frozen=True)
class Reply:
    """Whether a request was answered well, and whether that took a database.

    `status` is the answer's; 0 where there was none. `retry`: whether it says when to come back.
    """

    ok: bool
    read: bool
    status: int
    retry: bool = False


def open_loop(address: str, paths: Iterable[str], rate: float, seconds: float) -> list[Answer]:
    """Send requests as independent visitors do: at random moments, `rate` a second on average."""
    answers: list[Answer] = []
    with closing(client_of(address, MOST_CONNECTIONS)) as client:

        def visit(path: str, due: float) -> None:
            reply = ask(client, path)
            answers.append(Answer(due, time.monotonic(), reply.ok, reply.read))

        group = Group()
        for path, due in schedule(itertools.cycle(paths), rate, seconds):
            group.spawn(visit, path, due)
        group.join()
    return answers


def schedule(
    paths: Iterable[str], rate: float, seconds: float = math.inf
) -> Iterator[tuple[str, float]]:
    """Yield what independent visitors ask for and the moment (time.monotonic), each when it comes.

    The first path may take long to find; the clock starts afterwards, so that nobody is late.
    """
    return zip(paths, _arrivals(rate, seconds), strict=False)


def _arrivals(rate: float, seconds: float) -> Iterator[float]:
    chance = random.Random(SEED)  # moments, not secrets
    due = time.monotonic()
    end = due + seconds
    while (due := due + chance.expovariate(rate)) <= end:
        gevent.sleep(max(0.0, due - time.monotonic()))
        yield due


def closed_loop(address: str, paths: Iterable[str], clients: int, seconds: float) -> float:
    """Return how many requests a second are answered.

    Raises:
        SystemExit: A request failed.
    """
    ways = itertools.cycle(paths)
    begin = time.monotonic()
    answered = 0
    with closing(client_of(address, clients)) as client:

        def visit() -> None:
            nonlocal answered
            while time.monotonic() < begin + seconds:
                path = next(ways)
                if not ask(client, path).ok:
                    raise SystemExit(f"{address}{path} failed")
                answered += 1

        gevent.joinall([gevent.spawn(visit) for _ in range(clients)], raise_error=True)
        return answered / (time.monotonic() - begin)


def one_by_one(address: str, paths: Iterable[str], **options: Any) -> list[float]:
    """Return the seconds that each request takes, sent one after the other.

    `options` are those of HTTPClient.

    Raises:
        SystemExit: A request failed.
    """
    found = []
    with closing(client_of(address, 1, **options)) as client:
        for path in paths:
            begin = time.monotonic()
            if not ask(client, path).ok:
                raise SystemExit(f"{address}{path} failed")
            found.append(time.monotonic() - begin)
    return found


def client_of(address: str, connections: int, **options: Any) -> HTTPClient:
    """Return a client of a site, for the caller to close; `options` are those of HTTPClient."""
    return HTTPClient.from_url(
        address,
        concurrency=connections,
        connection_timeout=TIMEOUT_SECONDS,
        network_timeout=TIMEOUT_SECONDS,
        **options,
    )


def ask(client: HTTPClient, path: str) -> Reply:
    """Ask for a path. The site says in Server-Timing whether its answer took a database."""
    try:
        response = client.get(path)
        response.read()
        status = response.status_code
        return Reply(
            ok=status in GOOD,
            read=response.get("Server-Timing") == "db",
            status=status,
            retry=response.get("Retry-After") is not None,
        )
    except Exception:
        return Reply(ok=False, read=False, status=0)
