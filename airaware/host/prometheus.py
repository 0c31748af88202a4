"""Prometheus as it is asked from Python: its HTTP interface."""

import math
from dataclasses import dataclass
from typing import Any

import requests

from airaware.errors import AirAwareError

ANSWER_SECONDS = 20
# What is left of the month's budget of errors (one request of a thousand), as a share of it.
ERROR_BUDGET_LEFT = (
    "1 - sum_over_time(site:airaware_errors:rate5m[30d])"
    " / (sum_over_time(site:airaware_requests:rate5m[30d]) > 0) / 0.001"
)


@dataclass(frozen=True)
class Series:
    """A series of a query's answer: its labels, and its values by time (seconds since 1970)."""

    labels: dict[str, str]
    values: dict[float, float]


class Prometheus:
    """A Prometheus at `url`. Each method raises AirAwareError where it does not answer."""

    def __init__(self, url: str) -> None:
        """Open a session; nothing is asked yet."""
        self.url = url.rstrip("/")
        self._session = requests.Session()

    def query(self, expr: str) -> list[Series]:
        """Return what an expression is now: a value for each series."""
        return [
            Series(found["metric"], dict([_point(found["value"])]))
            for found in self.get("query", query=expr)["result"]
        ]

    def over(self, expr: str, start: float, end: float, step_seconds: float) -> list[Series]:
        """Return what an expression was from `start` to `end` (seconds since 1970)."""
        answer = self.get("query_range", query=expr, start=start, end=end, step=step_seconds)
        return [
            Series(found["metric"], dict(map(_point, found["values"])))
            for found in answer["result"]
        ]

    def get(self, path: str, **parameters: str | float) -> Any:
        """Return the `data` of an answer of its interface, such as `targets`."""
        try:
            answer = self._session.get(
                f"{self.url}/api/v1/{path}", params=parameters, timeout=ANSWER_SECONDS
            ).json()
        except (requests.RequestException, ValueError) as error:
            raise AirAwareError(f"Prometheus at {self.url} does not answer: {error}") from None
        if answer["status"] != "success":
            raise AirAwareError(f"Prometheus refuses {parameters}: {answer['error']}")
        return answer["data"]


def _point(pair: list[Any]) -> tuple[float, float]:
    return pair[0], float(pair[1])


def number(value: float) -> float | None:
    """Return the value; None for one that JSON does not have."""
    return value if math.isfinite(value) else None
