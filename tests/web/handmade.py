"""A small load made by hand: what the site's tests know of the air."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import h3.api.basic_int as h3
import numpy as np
import psycopg2
from psycopg2 import sql

from airaware.gazetteer import places
from airaware.science import grid, metrics, pollutants
from airaware.science.leave_one_out import RESIDUALS
from airaware.science.ranges import QUANTILES, RANGES
from airaware.settings import Zone
from airaware.store.binary import Rows
from airaware.store.load import TABLES, Counts, Load, Source, ZoneLoad, copy_piece

# Later than any other test's year, so that it is the one shown when none is asked for.
YEAR, YEAR_BEFORE = 2025, 2024
CHICAGO = (41.9229, -87.6483)  # ZIP code 60614
FARGO = (46.877, -96.789)
SYNTHETIC = 88101
# Of the latest year's files, and their newest change; the year before has none, as old loads.
DATES = ("2026-06-12", "2026-05-30")
LOADS = ((44201, YEAR_BEFORE), (44201, YEAR), (88101, YEAR), (88502, YEAR))
# Each kind of page, by name.
PAGES = {
    "home": "/",
    "air": f"/air?address=60614&year={YEAR_BEFORE}",
    "far": f"/air?address=Fargo, ND&year={YEAR_BEFORE}",
    "history": "/history?address=60614",
    "day": f"/day?address=60614&date={YEAR}-07-04",
    "compare": "/compare?address=60614&address=Fargo, ND",
    "comparison to be": "/compare?address=60614",
    "map": f"/map?parameter=88101&year={YEAR}",
    "unknown": "/air?address=Atlantis, IL",
    "ambiguous": "/air?address=Springfield",
    "no such year": "/air?address=60614&year=1981",
    "no such page": "/nowhere",
    "method": "/method",
    "api": "/api",
    "downloads": "/downloads",
    "problem": "/problems/bad-year",
}


def cell_at(latitude: float, longitude: float) -> int:
    """The grid's cell whose centre is nearest."""
    cells = grid.load()
    x = (cells.longitude - longitude) * np.cos(np.radians(latitude))
    return int(cells.cells[np.argmin(np.hypot(cells.latitude - latitude, x))])


def cell_year_rows(parameter: int, year: int) -> Rows:
    """Chicago in reach of monitors (no March), Fargo with an estimate from 80 km."""
    months = np.arange(1, 13)
    unit = 0.001 if parameter == 44201 else 1
    mean = np.vstack([(20 + months) * unit, (10 + months) * unit]).astype(np.float32)
    mean[0, 2] = np.nan
    counts = np.where(np.isnan(mean), 0, 30).astype(np.int16)
    aqi = np.zeros((2, 12, 6), np.int16)
    aqi[:, :, 0], aqi[:, :, 1] = counts - 4, 4
    aqi[counts == 0] = 0
    nearest = np.where(np.isnan(mean), np.nan, [[5.0], [80.0]]).astype(np.float32)
    cells = np.array([cell_at(*CHICAGO), cell_at(*FARGO)], np.int64)
    keys = (np.full(2, parameter, np.int32), np.full(2, year, np.int16), cells)
    figures = (mean * 1.5, mean * 2, mean * 1.4, mean * 1.9)  # daily mean, max, median, p95
    days_above = np.where(counts > 0, 2, 0).astype(np.int16)
    return Rows.of(
        *keys, mean, counts * np.int16(24), *figures, counts, days_above, aqi.reshape(2, 72),
        np.where(counts > 0, 3, 0).astype(np.int16), nearest,
    )  # fmt: skip


# What cells are ranked by, in ppb, by a ZIP code in them. Only ozone of the latest year has it:
# nothing else has enough of a year, and loads of before have none.
RANKED = {"60614": 30, "62701": 50, "62002": 32, "10001": 20, "96813": 40, "90012": 60}


def ranking_rows(parameter: int, year: int) -> dict[str, Rows]:
    """RANKED, as the job writes it."""
    if (parameter, year) != (44201, YEAR):
        return {}
    known = places.load().zip_codes
    figures = {
        h3.latlng_to_cell(known[code].latitude, known[code].longitude, grid.RESOLUTION): ppb / 1000
        for code, ppb in RANKED.items()
    }
    cells = sorted(figures)
    return {
        "ranking": Rows.of(
            *_keys(parameter, year, 1),
            np.zeros(1, np.int16),
            np.array([cells]),
            np.array([[figures[cell] for cell in cells]], np.float32),
        )
    }


def range_rows(parameter: int, year: int) -> dict[str, Rows]:
    """Near a monitor, errors of up to 5 ppb each way, and a year's counts off by 2 deviations.

    Only ozone of the latest year has them.
    """
    if (parameter, year) != (44201, YEAR):
        return {}
    found = np.zeros(1, RANGES)
    found["stations"] = 40
    found["levels"] = found["residuals"] = np.nan
    found["levels"][..., 0] = 0
    found["residuals"][..., 0, :] = np.linspace(-0.005, 0.005, QUANTILES)
    found["low"], found["high"] = -2, 2
    columns = (found[name] for name in RANGES.names or ())
    flat = (each.reshape(1, -1) if each.ndim > 1 else each for each in columns)
    return {"count_range": Rows.of(*_keys(parameter, year, 1), *flat)}


def residual_rows(parameter: int, year: int) -> Rows:
    """By day and month an error of 3 near a monitor, but 5 in July, and of 8 far from any.

    Of single hours it is 1 more. Only ozone of the latest year has them.
    """
    months = (1, 4, 7, 10) if (parameter, year) == (44201, YEAR) else ()
    rows = [
        (month, quantity, begin, 40, 40, 0.04, 40 * ((error + more) / 1000) ** 2, 1.6, 0.08)
        for month in months
        for quantity, more in ((b"daily", 0), (b"month", 0), (b"hours", 1))
        for begin, error in ((0, 5 if month == 7 else 3), (30, 8))
    ]
    found = np.array(rows, RESIDUALS)
    return Rows.of(
        np.full(len(rows), parameter, np.int32),
        np.full(len(rows), year, np.int16),
        *(found[name] for name in RESIDUALS.names or ()),
    )


# Site, latitude, longitude: two near Chicago, and one 80 km from Fargo.
STATIONS = (
    (b"17-031-0001", 41.95, -87.65),
    (b"17-031-0002", 41.75, -87.75),
    (b"38-017-0001", 46.877, -97.85),
)
# Its PM2.5 of the latest year is a T640's, not corrected.
UNCORRECTED = "38-017-0001"
# Sampled at 100 ppb (or µg/m³) all day, in Chicago.
BAD_DAYS = ((7, 4), (7, 5))
# Hours flagged as smoke, by site and day: on a bad day, on another, and far from Chicago.
SMOKE = {
    (b"17-031-0002", (7, 4)): 6,
    (b"17-031-0001", (8, 1)): 3,
    (b"38-017-0001", (7, 5)): 9,
}


def station_rows(parameter: int, year: int) -> Rows:
    """STATIONS, one instrument each."""
    site, latitude, longitude = (np.array(column) for column in zip(*STATIONS, strict=True))
    return Rows.of(
        *_keys(parameter, year, len(site)), site, latitude, longitude, np.ones(len(site), np.int16)
    )


def station_day_rows(parameter: int, year: int) -> Rows:
    """Every hour as the cells have it on average, but BAD_DAYS in Chicago; no March there."""
    pollutant = pollutants.get(parameter)
    unit = 0.001 if parameter == 44201 else 1
    days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")
    months = days.astype("datetime64[M]").astype(int) % 12 + 1
    site, day, value, smoke = [], [], [], []
    for name, latitude, _ in STATIONS:
        chicago = latitude < 45
        for each, month in zip(days, months, strict=True):
            number = int((each - each.astype("datetime64[M]")).astype(int)) + 1
            if not (chicago and month == 3):
                site.append(name)
                day.append(each)
                bad = chicago and (month, number) in BAD_DAYS
                value.append(100 if bad else (20 if chicago else 10) + month)
                smoke.append(SMOKE.get((name, (int(month), number)), 0))
    daily = np.array(value) * unit
    hours = np.repeat(daily[:, np.newaxis], 24, axis=1).astype(np.float32)
    return Rows.of(
        *_keys(parameter, year, len(site)), np.array(site), np.array(day), hours,
        daily.astype(np.float32), metrics.aqi(pollutant, daily), np.array(smoke, np.int16),
    )  # fmt: skip


def _keys(parameter: int, year: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(rows, parameter, np.int32), np.full(rows, year, np.int16)


def submit(zone: Zone, parameter: int, year: int) -> None:
    """Load one parameter's year into a zone, as the batch does."""
    load = Load(parameter, year, "byhand")
    name, synthetic = f"hourly_{parameter}_{year}.zip", parameter == SYNTHETIC
    file_date, newest_change = DATES if year == YEAR else (None, None)
    source = Source(name, "0" * 64, "test", synthetic, file_date=file_date)
    with ZoneLoad(zone, load) as attempt:
        attempt.stage()
        cells = {"cell_year": cell_year_rows(parameter, year), **ranking_rows(parameter, year)}
        copy_piece(zone, load, 0, cells)
        errors = {"residual": residual_rows(parameter, year), **range_rows(parameter, year)}
        copy_piece(zone, load, 1, errors)
        copy_piece(zone, load, 2, {"station": station_rows(parameter, year)})
        copy_piece(zone, load, 3, {"station_day": station_day_rows(parameter, year)})
        uncorrected = {UNCORRECTED: 700} if (parameter, year) == (88101, YEAR) else {}
        counts = Counts(0, {}, {}, uncorrected, newest_change=newest_change)
        attempt.commit(source, counts, 4, datetime.now(UTC))


@contextmanager
def as_owner(zone: Zone) -> Iterator["psycopg2.extensions.cursor"]:
    """A cursor of the schema's owner; what it did is committed."""
    connection = psycopg2.connect(zone.dsn)
    with connection, connection.cursor() as cursor:
        yield cursor
    connection.close()


def remove(zone: Zone, parameter: int, year: int) -> None:
    """Take a load out of a zone again."""
    with as_owner(zone) as cursor:
        for table in TABLES:
            partition = sql.Identifier(f"{table}_{parameter}_{year}")
            cursor.execute(sql.SQL("DROP TABLE {}").format(partition))
        cursor.execute("DELETE FROM load WHERE parameter = %s AND year = %s", (parameter, year))
