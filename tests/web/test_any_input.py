"""No input harms: no error of the site's, no zone passed over, few pages of the store read."""

import random
from collections.abc import Sequence
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airaware.settings import Zone
from airaware.store.memory import Memory
from airaware.store.prepared import Prepared
from airaware.store.zones import HELD
from airaware.web import asking
from airaware.web.app import REMEMBERED
from airaware.web.errors import VisitorError

MOST_BUFFERS = 2_000  # of 8 kB, by a statement that finds a place or its cell
SEED = 24
WRITTEN = ("{lat}, {lon}", "{lon} {lat}", "geo:{lat},{lon}", "POINT({lon} {lat})", "{lat}N {lon}W")
TEXTS = (
    *("60614, IL", "Chicago", "Springfield", "1 Main St, El Paso TX", "Toronto", "96930", "??"),
    *("PO Box 1400, Columbus GA 33902", "Navajo Nation", "V9F7+2X Chicago", "Chicgo", "NYC/LA"),
)


class Explained(Memory):
    """A reader that counts the buffers that each statement touches, and zones given up."""

    def __init__(self, zones: Sequence[Zone]):
        self.changes: list[tuple[str, bool]] = []
        self.buffers: list[int] = []
        super().__init__(zones, REMEMBERED, lambda *change: self.changes.append(change))

    def held(self) -> tuple[str, ...]:
        self._explain(HELD, ())
        return super().held()

    def fetch(self, sql: str | Prepared, parameters: Any = (), of: Any = ()) -> list[Any]:
        self._explain(sql, parameters)
        return super().fetch(sql, parameters, of)

    def _explain(self, sql: str | Prepared, parameters: Any) -> None:
        explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
        text = sql.sql if isinstance(sql, Prepared) else sql
        told = super().fetch(explain + text, parameters)[0][0][0]
        parts = (told["Plan"], told.get("Planning", {}))
        kinds = ("Shared Hit Blocks", "Shared Read Blocks")
        self.buffers.append(sum(part.get(kind, 0) for part in parts for kind in kinds))


def globe(points: int) -> list[str]:
    """Return coordinates all over the globe and, as many, over and around the US."""
    chance = random.Random(SEED)
    boxes = ((-90, 90, -180, 180), (17, 72, -180, -64), (24, 50, -125, -66))
    return [
        chance.choice(WRITTEN).format(lat=lat, lon=lon)
        for south, north, west, east in boxes
        for lat, lon in (
            (f"{chance.uniform(south, north):.4f}", f"{chance.uniform(west, east):.4f}")
            for _ in range(points)
        )
    ]


def most_buffers(app: Flask, reader: Explained, addresses: Sequence[str]) -> int:
    """Find each place and its cell; return the most buffers that a statement touched."""
    app.extensions["reader"] = reader
    refused = set[int]()
    for address in addresses:
        with app.test_request_context("/"):
            try:
                asking.at(address)
            except VisitorError as error:
                refused.add(error.status)
    assert all(status < 500 for status in refused)
    assert reader.buffers, "no address was inside"
    assert reader.changes == []
    return max(reader.buffers)


@given(st.text(max_size=210))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered_or_refused(app: Flask, text: str) -> None:
    for path in ("/air", "/api/v1/air", "/api/v1/days"):
        assert app.test_client().get(path, query_string={"address": text}).status_code < 500


def test_coordinates_all_over_the_globe(app: Flask, reader_zones: tuple[Zone, ...]) -> None:
    for address in globe(20):
        answer = app.test_client().get("/api/v1/air", query_string={"address": address})
        assert answer.status_code < 500, address
    assert most_buffers(app, Explained(reader_zones), [*TEXTS, *globe(20)]) <= MOST_BUFFERS
