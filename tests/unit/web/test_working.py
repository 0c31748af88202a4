"""The number of a day comes out of its working again: on random days, without a database."""

import json
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any

import day_script
import numpy as np
import orjson
import pytest

from airaware.science import metrics, pollutants
from airaware.science.sphere import FAR_KM, great_circle_km, unit_vectors
from airaware.store import nearby, queries
from airaware.store.queries import Load, Nearest, Served, Source
from airaware.web import answers, working
from airaware.web.asking import At
from airaware.web.certainty import ExpectedErrors
from airaware.web.geocode import Place

YEAR, SITES = 2023, 14
PLACES, DAYS = 6, 5  # 30 place-days of each pollutant
FIRST = date(YEAR - 1, 12, 31)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that a visitor downloads."""
    return day_script.load()


class Sky:
    """Random days at random sites: a fifth too short to count, and each site silent in a month."""

    def __init__(self, parameter: int) -> None:
        pollutant, rng = pollutants.get(parameter), np.random.default_rng([25, parameter])
        self.latitude, self.longitude = rng.uniform(41, 43, SITES), rng.uniform(-89, -87, SITES)
        level = pollutant.standard.level * rng.uniform(-0.1, 2.5, (SITES, 367))
        days = metrics.truncate(level, pollutant.daily_decimals).astype(np.float32)
        days[rng.random(days.shape) < 0.2] = np.nan
        silent = rng.integers(1, 13, SITES)
        months = np.array([(FIRST + timedelta(number)).month for number in range(367)])
        self.reports = months != silent[:, np.newaxis]
        self.days = np.where(self.reports, days, np.nan)

    def stations(self, _reader: object, _load: Load, place: tuple) -> object:
        """As nearby.stations."""
        km = great_circle_km(
            unit_vectors(self.latitude, self.longitude),
            unit_vectors(np.array(place[0]), np.array(place[1])),
        )
        order = np.argsort(km, kind="stable")
        order = order[km[order] <= FAR_KM]
        sites = tuple(map(str, order.tolist()))
        clocks = np.full(len(order), -6)
        return nearby.Stations(
            sites, self.latitude[order], self.longitude[order], km[order], clocks
        )

    def measured(self, _asked: object, sites: tuple, months: Sequence[int]) -> tuple:
        """As nearby._measured."""
        rows = [int(site) for site in sites]
        first = date(YEAR, months[0], 1) - timedelta(1)
        last = date(YEAR, months[-1], monthrange(YEAR, months[-1])[1]) + timedelta(1)
        span = slice((first - FIRST).days, (last - FIRST).days + 1)
        hours = np.where(self.reports[rows, span], 1.0, np.nan).repeat(24, axis=1)
        days = self.days[rows, span].astype(float)
        return hours, days, np.zeros(days.shape, np.int16)


@pytest.mark.parametrize("parameter", pollutants.POLLUTANTS)
def test_the_script_gives_the_number_of_the_day(
    parameter: int, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sky, rng = Sky(parameter), np.random.default_rng(parameter)
    monkeypatch.setattr(nearby, "stations", sky.stations)
    monkeypatch.setattr(nearby, "_measured", sky.measured)
    source = Source(YEAR, "a.zip", "0" * 64, "read 1", {str(YEAR - 1): None})
    monkeypatch.setattr(queries, "sources", lambda *_: [source])
    load = Load(parameter, YEAR, False, datetime(2026, 1, 1, tzinfo=UTC), "1")
    no_database: Any = None
    no_errors = ExpectedErrors(pollutants.get(parameter), {})
    values = []
    for latitude, longitude in rng.uniform((40, -90), (44, -88), (PLACES, 2)).tolist():
        place = Place(latitude, longitude, "here", "coordinates", 0.0, "as given")
        nearest = Nearest(0, latitude, longitude, 0.0, Served(("",), (load,)))
        at = At(
            no_database,
            lambda _: no_errors,
            lambda *_: [],
            no_database,
            place,
            nearest,
        )
        for number in rng.choice(365, DAYS, replace=False).tolist():
            when = date(YEAR, 1, 1) + timedelta(number)
            text = orjson.dumps(working.day(at, load, when), default=answers.members)
            sent = json.loads(text)
            assert sent["day"]["date"] == when.isoformat()
            found = script.recompute(sent)
            assert found == {name: sent["day"][name] for name in found}
            assert (found["value"] is None) == (not any(each["share"] for each in sent["monitors"]))
            values.append(found["value"])
    assert len({value for value in values if value is not None}) > len(values) / 2
