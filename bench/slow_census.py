"""A slow Census beside other visitors: new street addresses must slow nobody else.

A stand-in answers each question after ANSWER_SECONDS, just within the site's limit. Each round
measures the other visitors and /readyz without new addresses and then beside them.
"""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from unittest import mock

import gevent
import numpy as np

from airaware.store import manifest
from bench.main_job import YEAR, submit
from bench.measure import Figure
from bench.site import milliseconds, site, zip_codes
from tools.drill.http_load import Answer, open_loop
from tools.environments.local import Local
from tools.machine.postgres import HOST, OWNER

ANSWER_SECONDS = 1.9
NEW_ADDRESSES_RATE, VISITORS_RATE, READINESS_RATE = 8, 40, 5
ROUNDS, PHASE_SECONDS = 3, 30
# The greatest good ratio of p99 beside a slow Census to p99 without.
BOUND = 1.2


def figures(place: Local, raw: Path) -> list[Figure]:
    """Return p99 of /readyz and of other visitors, as ratios: medians over the rounds."""
    if not manifest.loads(place.zones(OWNER)[0]):
        submit(place, raw, str(YEAR))
    visits = [f"/api/v1/air?address={code}&year={YEAR}" for code in zip_codes()]
    streets = (
        f"/api/v1/air?address={number}+N+Michigan+Ave,+Chicago,+IL+60611&year={YEAR}"
        for number in count(100)
    )
    with (
        _census() as (url, asked),
        mock.patch.dict(os.environ, AIRAWARE_CENSUS_URL=url),
        site(place) as web,
    ):
        address = web.address() or ""
        _measure(address, visits, [])  # connections and what is asked once
        rounds = [_round(address, visits, streets) for _ in range(ROUNDS)]
    return [
        Figure(f"slow Census: {name}", float(np.median(values)), unit, bound)
        for name, unit, bound, values in (
            ("other visitors' p99 without it", "ms", None, [each[0] for each in rounds]),
            ("other visitors' p99, with / without", "times", BOUND, [each[1] for each in rounds]),
            ("p99 of /readyz without it", "ms", None, [each[2] for each in rounds]),
            ("p99 of /readyz, with / without", "times", BOUND, [each[3] for each in rounds]),
        )
    ] + [Figure("slow Census: questions that reached it", len(asked), "requests")]


def _round(
    address: str, visits: Sequence[str], streets: Iterator[str]
) -> tuple[float, float, float, float]:
    """Return the visitors' p99 (ms) and its ratio beside new addresses; the same of /readyz."""
    new = [next(streets) for _ in range(2 * NEW_ADDRESSES_RATE * PHASE_SECONDS)]
    visitors, readiness = _measure(address, visits, [])
    visitors_beside, readiness_beside = _measure(address, visits, new)
    return visitors, visitors_beside / visitors, readiness, readiness_beside / readiness


def _measure(address: str, visits: Sequence[str], new: Sequence[str]) -> tuple[float, float]:
    """Return p99 (ms) of visitors and of /readyz. Raises SystemExit where one of them fails."""
    loads = [(visits, VISITORS_RATE), (["/readyz"], READINESS_RATE)]
    loads += [(new, NEW_ADDRESSES_RATE)] if new else []
    running = [
        gevent.spawn(open_loop, address, paths, rate, PHASE_SECONDS) for paths, rate in loads
    ]
    gevent.joinall(running, raise_error=True)
    answers: list[list[Answer]] = [each.value for each in running]
    if not all(answer.ok for each in answers for answer in each):
        raise SystemExit(f"{address}: some requests failed beside a slow Census")
    visitors, readiness = ([answer.seconds for answer in each] for each in answers[:2])
    return milliseconds(visitors, 99), milliseconds(readiness, 99)


@contextmanager
def _census() -> Iterator[tuple[str, list[float]]]:
    """Yield the address of a slow stand-in for the Census, and when it was asked."""
    asked: list[float] = []

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            time.sleep(ANSWER_SECONDS)
            match = {"matchedAddress": "CHICAGO, IL", "coordinates": {"x": -87.624, "y": 41.895}}
            body = json.dumps({"result": {"addressMatches": [match]}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    server = ThreadingHTTPServer((HOST, 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}/geocoder", asked
    finally:
        server.shutdown()
        server.server_close()
