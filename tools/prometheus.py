"""Prometheus as it is asked from Python: its HTTP interface, here or through a tunnel."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from airaware.errors import AirAwareError
from tools import ssh
from tools.fleet import Fleet

PORT = 9090
ANSWER_SECONDS = 20
ROLE = "monitoring"


@dataclass(frozen=True)
class Series:
    """A series of a query's answer: its labels, and its values by time (seconds since 1970)."""

    labels: dict[str, str]
    values: dict[float, float]


class Prometheus:
    """A Prometheus at `url`. Each method raises AirAwareError where it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()

    def query(self, expr: str) -> list[Series]:
        """What an expression is now: a value for each series."""
        return [
            Series(found["metric"], dict([_point(found["value"])]))
            for found in self.get("query", query=expr)["result"]
        ]

    def over(self, expr: str, start: float, end: float, step_seconds: float) -> list[Series]:
        """What an expression was from `start` to `end` (seconds since 1970)."""
        answer = self.get("query_range", query=expr, start=start, end=end, step=step_seconds)
        return [
            Series(found["metric"], dict(map(_point, found["values"])))
            for found in answer["result"]
        ]

    def get(self, path: str, **parameters: str | float) -> Any:
        """The `data` of an answer of its interface, as `targets`."""
        try:
            answer = self._session.get(
                f"{self.url}/api/v1/{path}", params=parameters, timeout=ANSWER_SECONDS
            ).json()
        except (requests.RequestException, ValueError) as error:
            raise AirAwareError(f"Prometheus at {self.url} does not answer: {error}") from None
        if answer["status"] != "success":
            raise AirAwareError(f"Prometheus refuses {parameters}: {answer['error']}")
        return answer["data"]


@contextmanager
def of(fleet: Fleet) -> Iterator[Prometheus]:
    """A fleet's, through SSH to its monitoring host. Raises AirAwareError without one."""
    found = [host for host in fleet.hosts() if host.role == ROLE and host.state == "running"]
    if not found:
        raise AirAwareError(f"{fleet.name} has no monitoring host: fab deploy --env {fleet.name}")
    with ssh.forwarded(fleet.ssh_config(), found[0].name, "127.0.0.1", PORT) as port:
        yield Prometheus(f"http://127.0.0.1:{port}")


def _point(pair: list) -> tuple[float, float]:
    return pair[0], float(pair[1])


def number(value: float) -> float | None:
    """The value, or None where it is none that JSON has."""
    return value if math.isfinite(value) else None
