"""Metrics for Prometheus.

With several worker processes, PROMETHEUS_MULTIPROC_DIR must name a folder that is empty when the
server starts.

Labels never hold anything that a visitor typed: endpoints are the templates of routes.
"""

import os
import time
from collections.abc import Iterable

from flask import Flask, Response, g, request
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

REQUESTS = Counter("airaware_requests", "Requests answered.", ["endpoint", "status"])
LATENCY = Histogram(
    "airaware_request_seconds",
    "Time from a request's arrival in a worker to its answer.",
    ["endpoint"],
    # 0.3 is the objective's.
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5),
)
FAILOVERS = Counter(
    "airaware_database_failovers",
    "Times that a worker gave a zone's database up and asked another zone's.",
    ["zone"],
)
PASSED_OVER = Gauge(
    "airaware_zone_passed_over",
    "1 while any worker passes this zone's database over.",
    ["zone"],
    multiprocess_mode="livemax",
)
UNRESOLVED = Counter(
    "airaware_names_unresolved",
    "Times that a database's name did not resolve; its last address serves.",
)
CENSUS_FAILURES = Counter(
    "airaware_census_failures",
    "Times that the Census geocoder, asked for a street, gave no answer in time.",
)


def zone_changed(zone: str, failing: bool) -> None:
    """Count a zone that is given up; show those that are passed over until they answer."""
    PASSED_OVER.labels(zone).set(failing)
    if failing:
        FAILOVERS.labels(zone).inc()


def watch(app: Flask, zones: Iterable[str]) -> None:
    """Count and time the application's requests."""
    for zone in zones:
        FAILOVERS.labels(zone)  # so that the series begins at 0
        PASSED_OVER.labels(zone).set(0)

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        # https://www.w3.org/TR/server-timing/: whether the answer took a database.
        if app.extensions["reader"].read_at >= g.started:
            response.headers["Server-Timing"] = "db"
        endpoint = request.url_rule.rule if request.url_rule else "unmatched"
        REQUESTS.labels(endpoint, str(response.status_code)).inc()
        LATENCY.labels(endpoint).observe(time.perf_counter() - g.started)
        return response


def exposition() -> bytes:
    """All workers' metrics in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
