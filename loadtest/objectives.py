"""What is asked of the site under load, and what came of it.

Locust ends with status 1 where an objective is missed, and with status 2, without a request, where
it is to load another host than the one that it was started for.
"""

import json
import logging
import sys
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment

MISSED, WRONG_HOST = 1, 2

log = logging.getLogger(__name__)


def watch() -> None:
    """Have Locust know our options, and heed them."""
    events.init_command_line_parser.add_listener(_add_options)
    events.init.add_listener(_on_init)


def _add_options(parser: ArgumentParser) -> None:
    hidden: dict[str, Any] = {"include_in_web_ui": False}  # a word of Locust's own parser
    add = parser.add_argument
    add("--only-host", default="", help="the one host that may be loaded", **hidden)
    add("--most-users", type=int, default=1000, help="how many users a shape goes up to")
    add("--minutes", type=float, default=10, help="how long a shape lasts")
    add("--least-wait", type=float, default=5, help="seconds between requests, at least")
    add("--most-wait", type=float, default=9, help="seconds between requests, at most")
    add("--max-failed-percent", type=float, default=0.1, help="failed requests", **hidden)
    add("--max-p95-ms", type=float, default=300, help="95%% of answers within", **hidden)
    add("--summary", type=Path, default=None, help="file for the figures, as JSON", **hidden)


def _on_init(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options and options.headless and not may_be_loaded(environment):
        log.error(
            "%s is not the chosen environment's site (%s): nothing was sent. Use fab loadtest",
            *(environment.host, options.only_host or "none was chosen"),
        )
        sys.exit(WRONG_HOST)
    own = Stopwatch()
    environment.events.test_start.add_listener(own.start)
    environment.events.test_stop.add_listener(own.stop)
    environment.events.quitting.add_listener(
        lambda environment, **_: _conclude(environment, own.cpu_percent)
    )


def may_be_loaded(environment: Environment) -> bool:
    """Whether the host is the one that Locust was started for; on its page, any can be typed."""
    options = environment.parsed_options
    chosen = str(options.only_host if options else "").rstrip("/")
    return bool(chosen) and (environment.host or "").rstrip("/") == chosen


@dataclass
class Stopwatch:
    """Measures Locust's own CPU during the load, in percent of one core: near 100, it is Locust
    that is too slow, and not the site."""

    cpu_percent: float = 0.0
    _started: float = 0.0
    _used: float = 0.0

    def start(self, **_: Any) -> None:
        """The load begins."""
        self._started, self._used = time.monotonic(), time.process_time()

    def stop(self, **_: Any) -> None:
        """It ends."""
        used_seconds = time.process_time() - self._used
        self.cpu_percent = 100 * used_seconds / (time.monotonic() - self._started)


def _conclude(environment: Environment, locust_cpu_percent: float) -> None:
    """Say what came of it, and with which status Locust is to end."""
    options = environment.parsed_options
    if options is None:
        return
    figures = summary(environment, locust_cpu_percent)
    if options.summary:
        options.summary.write_text(json.dumps(figures, indent=1))
    missed = misses(figures, options.max_failed_percent, options.max_p95_ms)
    for line in missed:
        log.error("objective missed: %s", line)
    environment.process_exit_code = MISSED if missed else 0


def summary(environment: Environment, locust_cpu_percent: float) -> dict[str, float]:
    """The figures of all requests; Locust's own CPU is in percent of one core."""
    total = environment.stats.total
    return {
        "requests": total.num_requests,
        "failed": total.num_failures,
        "failed_percent": 100 * total.fail_ratio,
        "requests_per_second": total.total_rps,
        "p50_ms": total.get_response_time_percentile(0.5),
        "p95_ms": total.get_response_time_percentile(0.95),
        "p99_ms": total.get_response_time_percentile(0.99),
        "locust_cpu_percent": locust_cpu_percent,
    }


def misses(figures: dict[str, float], failed_percent: float, p95_ms: float) -> list[str]:
    """The objectives that the figures miss, in words."""
    missed = []
    if not figures["requests"]:
        missed.append("no request was answered at all")
    if figures["failed_percent"] > failed_percent:
        missed.append(f"{figures['failed_percent']:.3g}% failed, at most {failed_percent:g}%")
    if figures["p95_ms"] > p95_ms:
        missed.append(f"95% within {figures['p95_ms']:.0f} ms, at most {p95_ms:g} ms")
    return missed
