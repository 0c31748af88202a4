"""What the batch's tasks compute, without Spark: stations of a month, cells, pieces, counts."""

import dataclasses
import json
import re
import traceback
from collections import Counter
from math import nan

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airaware.errors import AirAwareError
from airaware.job import driver, model, stages
from airaware.job.model import (
    CELL_PIECES,
    RANGES_PIECE,
    RESIDUALS_PIECE,
    STATION_DAYS,
    STATIONS_PIECE,
)
from airaware.job.shuffle import by_key, together
from airaware.job.stations import StationMonth, assemble
from airaware.raw import epa, rawstore, station_months, verdicts
from airaware.science import grid, metrics, pollutants, summary, utc_offsets
from airaware.science.leave_one_out import RESIDUALS
from airaware.science.metrics import MARGIN_HOURS
from airaware.science.ranges import LEFT_OUT_MONTHS
from airaware.science.sphere import EARTH_RADIUS_KM, FAR_KM, FAR_STATIONS, REACH_KM
from airaware.store.load import Load
from airaware.store.shapes import RESOLUTIONS

OZONE = pollutants.get(44201)
JOB = model.Job(Load(44201, 2013, "test"), raw="", zones=(), shares=1, file=rawstore.Exact("", ""))
DAYS = 30
HOURS = 24 * DAYS
COOK, LAKE = "17-031-4201", "17-097-1007"
PLACES = {COOK: (42.139996, -87.799227), LAKE: (42.467573, -87.810047)}


def record(site, poc, position, rows, month=6) -> dict:
    """One record of STATION_MONTHS; rows are (hour from the month's beginning, value, smoke)."""
    hour, value, smoke = zip(*rows, strict=True)
    latitude, longitude = PLACES[site]
    return {
        "parameter": 44201,
        "year": 2013,
        "month": month,
        "site": site,
        "latitude": latitude,
        "longitude": longitude,
        "poc": poc,
        "position": position,
        "hour": (np.array(hour) + MARGIN_HOURS).astype(np.uint16).tobytes(),
        "value": np.array(value, np.float32).tobytes(),
        "smoke": np.array(smoke, bool).tobytes(),
        "counts": None,
    }


def table(records) -> pa.Table:
    return pa.Table.from_pylist(list(records), schema=station_months.SCHEMA)


# --- a month's stations ---


def test_of_duplicates_the_first_in_the_file_stays():
    records = [
        record(COOK, 1, 900, [(5, 0.09, False)]),
        record(COOK, 1, 100, [(5, 0.03, False), (6, 0.04, False), (5, 0.05, False)]),
    ]
    stations = assemble(table(records), DAYS)
    assert stations.hours_of_month[0, 5:7].tolist() == np.float32([0.03, 0.04]).tolist()
    assert stations.duplicates == 2


def test_instruments_are_averaged_hour_by_hour():
    records = [
        record(COOK, 1, 0, [(0, 0.02, False), (1, 0.02, False)]),
        record(COOK, 3, 1, [(1, 0.04, False), (2, 0.06, False)]),
        record(LAKE, 1, 2, [(1, 0.08, False)]),
    ]
    stations = assemble(table(records), DAYS)
    assert stations.sites == [COOK, LAKE]
    assert stations.pocs == [[1, 3], [1]]
    np.testing.assert_allclose(
        stations.hours_of_month[:, :3], [[0.02, 0.03, 0.06], [nan, 0.08, nan]], rtol=1e-6
    )
    assert stations.duplicates == 0
    assert list(zip(stations.latitude, stations.longitude, strict=True)) == list(PLACES.values())


def test_the_margins_are_kept_apart_from_the_month():
    """Their rows are the neighbouring months' to count."""
    morning = [(HOURS, 0.05, True), (HOURS + 6, 0.06, True), (HOURS, 0.07, True)]
    evening = [(-7, 0.02, True), (-1, 0.03, True), (-1, 0.04, True)]
    rows = [(3, 0.01, False), *morning, *evening]
    stations = assemble(table([record(COOK, 1, 0, rows)]), DAYS)
    assert stations.hours.shape == (1, HOURS + 2 * MARGIN_HOURS)
    assert stations.hours[0, MARGIN_HOURS + HOURS] == np.float32(0.05)
    assert stations.hours[0, [0, 6]].tolist() == np.float32([0.02, 0.03]).tolist()
    assert stations.hours_of_month[0, 3] == np.float32(0.01)
    assert stations.duplicates == 0
    assert stations.smoke_hours.sum() == 0


def test_smoke_counts_hours_whatever_the_instruments():
    records = [
        record(COOK, 1, 0, [(0, 1, True), (1, 1, True), (24, 1, False)]),
        record(COOK, 2, 1, [(1, 1, True), (25, 1, True)]),
    ]
    assert assemble(table(records), DAYS).smoke_hours[0, :3].tolist() == [2, 1, 0]


def test_hours_as_measured_give_way_to_corrected_ones_of_their_site_and_hour():
    """Whichever instrument has them; other hours as measured stay, and are counted by site."""

    def of_method(site, poc, position, kinds, value):
        rows = [(hour, value, False) for hour in kinds]
        return record(site, poc, position, rows) | {"method": bytes(kinds.values())}

    records = [
        of_method(COOK, 3, 0, dict.fromkeys((-1, 0, 1, 2, 3), station_months.AS_MEASURED), 14),
        of_method(COOK, 3, 1, dict.fromkeys((-1, 0, 1), station_months.CORRECTED), 10),
        of_method(COOK, 4, 2, {2: station_months.CORRECTED}, 11),
        record(COOK, 5, 3, [(3, 8, False)]),
        of_method(LAKE, 1, 4, dict.fromkeys((0, HOURS - 1, HOURS), station_months.AS_MEASURED), 12),
        # Not a third hour: a duplicate that another value comes before.
        record(LAKE, 2, 5, [(5, 6, False)]),
        of_method(LAKE, 2, 6, {5: station_months.AS_MEASURED}, 9),
    ]
    stations = assemble(table(records), DAYS)
    assert stations.hours_of_month[0, :4].tolist() == [10, 10, 11, 11]  # the last: 14 and 8
    assert stations.hours_of_month[1, [0, 1, HOURS - 1]].tolist()[::2] == [12, 12]
    assert (stations.replaced, stations.duplicates) == (3, 1)
    assert stations.uncorrected_hours.tolist() == [1, 2]
    pieces = stages.month_pieces(JOB, table(records))
    notes = pieces.filter(pa.compute.equal(pieces["piece"], STATIONS_PIECE))
    joined = stages._joined_notes(notes)
    assert joined.counts[verdicts.UNCORRECTED] == 3
    assert joined.uncorrected == {COOK: 1, LAKE: 2}


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([COOK, LAKE]),
            st.integers(1, 3),
            st.sampled_from([-7, -1, 0, 1, 23, 24, HOURS - 1, HOURS, HOURS + 6]),
            st.floats(-1, 1, width=32),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    data=st.data(),
)
def test_however_the_records_come_the_stations_are_those_of_the_rows(rows, data):
    first: dict[tuple, float] = {}
    smoke: set[tuple] = set()
    for site, poc, hour, value, smoky in rows:
        first.setdefault((site, poc, hour), value)
        if smoky and 0 <= hour < HOURS:
            smoke.add((site, hour))
    sites = sorted({site for site, *_ in rows})
    expected = np.full((len(sites), HOURS + 2 * MARGIN_HOURS), nan)
    for n, site in enumerate(sites):
        for hour in {row[2] for row in rows if row[0] == site}:
            values = [value for key, value in first.items() if (key[0], key[2]) == (site, hour)]
            expected[n, MARGIN_HOURS + hour] = sum(values) / len(values)

    records = [
        record(site, poc, position, [(hour, value, smoky)])
        for position, (site, poc, hour, value, smoky) in enumerate(rows)
    ]
    stations = assemble(table(data.draw(st.permutations(records))), DAYS)
    assert stations.sites == sites
    np.testing.assert_allclose(stations.hours, expected, rtol=1e-12, atol=1e-15)
    in_month = [row for row in rows if 0 <= row[2] < HOURS]
    assert stations.duplicates == len(in_month) - sum(0 <= hour < HOURS for *_, hour in first)
    for n, site in enumerate(sites):
        assert stations.smoke_hours[n].sum() == sum(place == site for place, _ in smoke)
        assert stations.pocs[n] == sorted({row[1] for row in in_month if row[0] == site})


# --- a month's cells ---


@pytest.fixture(scope="module")
def month() -> StationMonth:
    """Six stations around Chicago, one of them silent, with gaps and a smoky week."""
    random = np.random.default_rng(2)
    latitude = np.array([42.14, 41.67, 41.98, 42.47, 40.20, 41.76])
    longitude = np.array([-87.80, -87.73, -87.79, -87.81, -88.10, -87.54])
    hours = 0.04 + 0.02 * np.sin(np.arange(HOURS + 2 * MARGIN_HOURS) * 2 * np.pi / 24)
    hours = hours + random.normal(0, 0.01, (6, HOURS + 2 * MARGIN_HOURS))
    hours[:, 240:408] += 0.05
    hours[random.random(hours.shape) < 0.15] = nan
    hours[2] = nan
    sites = [f"17-031-{n:04}" for n in range(6)]
    return StationMonth(
        sites,
        latitude,
        longitude,
        [[1]] * 6,
        hours,
        np.zeros((6, DAYS), int),
        np.zeros(6, int),
        0,
        0,
        np.full(6, -6),
    )


def test_a_months_cells_are_those_of_brute_force(month):
    daily = metrics.daily(OZONE, month.hours)
    cells = stages.month_cells(OZONE, month, daily)
    assert (np.diff(cells["cell"]) > 0).all()
    assert cells["hours"].max() <= HOURS
    centers = np.radians(np.column_stack([grid.load().latitude, grid.load().longitude]))
    reporting = [0, 1, 3, 4, 5]
    sample = np.random.default_rng(3).choice(len(cells), 40, replace=False)
    kinds, clocks = set(), set()
    for row in cells[sample]:
        lat, lon = centers[row["cell"]]
        station_lat = np.radians(month.latitude[reporting])
        station_lon = np.radians(month.longitude[reporting])
        haversine = (
            np.sin((station_lat - lat) / 2) ** 2
            + np.cos(lat) * np.cos(station_lat) * np.sin((station_lon - lon) / 2) ** 2
        )
        km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(haversine))
        near = km.min() <= REACH_KM
        kinds.add(near)
        used = km <= REACH_KM if near else km <= min(FAR_KM, np.sort(km)[FAR_STATIONS - 1])
        weight = np.where(used, km**-2.0, 0)[:, None]

        def interpolated(values, weight=weight):
            reports = np.isfinite(values)
            with np.errstate(invalid="ignore"):
                return (weight * np.where(reports, values, 0)).sum(0) / (weight * reports).sum(0)

        # Of the cell's clock: an hour before the stations' in the east.
        clock = utc_offsets.at(*np.degrees([lat, lon]).tolist())
        clocks.add(clock)
        begin = MARGIN_HOURS + month.offsets[0] - clock
        hourly = interpolated(month.hours[reporting, begin : begin + HOURS])
        days = interpolated(daily[reporting])
        present = days[np.isfinite(days)]
        assert row["nearest_km"] == pytest.approx(km.min(), rel=1e-5)
        assert row["stations"] == used.sum()
        assert row["hours"] == np.isfinite(hourly).sum()
        assert row["hourly_mean"] == pytest.approx(np.nanmean(hourly), rel=1e-6)
        assert row["days"] == len(present)
        assert row["daily_mean"] == pytest.approx(present.mean(), rel=1e-6)
        assert row["daily_max"] == pytest.approx(present.max(), rel=1e-6)
        assert row["daily_median"] == pytest.approx(np.percentile(present, 50), rel=1e-6)
        assert row["daily_p95"] == pytest.approx(np.percentile(present, 95), rel=1e-6)
        assert row["days_above"] == (present >= 0.071).sum()
        assert row["aqi_days"].sum() == len(present)
        assert row["aqi_days"][:2].sum() == (present < 0.071).sum()
    assert kinds == {True, False}
    assert clocks == {-5, -6}


def test_every_cell_that_a_station_reaches_is_there_and_no_other(month):
    cells = stages.month_cells(OZONE, month, metrics.daily(OZONE, month.hours))
    assert len(cells) > 1000
    assert cells["nearest_km"].max() <= FAR_KM
    assert (cells["hours"] > 0).any()


def test_a_month_in_which_no_station_reports_has_no_cells(month):
    silent = np.full((6, HOURS + 2 * MARGIN_HOURS), nan)
    silent[0, -MARGIN_HOURS:] = 0.04  # of the next month
    month = dataclasses.replace(month, hours=silent)
    assert len(stages.month_cells(OZONE, month, metrics.daily(OZONE, silent))) == 0


def test_quantiles_are_numpys():
    random = np.random.default_rng(4)
    days = random.normal(40, 20, (300, 31))
    days[random.random(days.shape) < random.random((300, 1))] = nan
    days[0] = nan
    days[1, 1:] = nan
    count = np.isfinite(days).sum(axis=1)
    ascending = np.sort(days, axis=1)
    for quantile in (0, 0.5, 0.95, 1):
        found = summary._quantile(ascending, count, quantile)
        assert (np.isnan(found) == (count == 0)).all()
        expected = np.nanpercentile(days[count > 0], 100 * quantile, axis=1)
        np.testing.assert_allclose(found[count > 0], expected, rtol=1e-12)


def test_a_cell_without_a_day_has_no_daily_figures():
    into = np.zeros(1, model.month_cells(OZONE))
    summary.summarise_days(OZONE, np.full((1, 31), nan), into)
    for name in ("daily_mean", "daily_max", "daily_median", "daily_p95"):
        assert np.isnan(into[name][0])
    for name in ("days", "days_above"):
        assert into[name][0] == 0
    assert into["aqi_days"].sum() == 0


# --- pieces ---


def test_each_cell_is_in_one_piece_and_its_parents_with_all_their_children_in_one():
    spans = stages.piece_spans()
    number = np.arange(len(grid.load()))
    for slices in zip(*spans, strict=True):
        assert np.concatenate([number[each] for each in slices]).tolist() == number.tolist()
    coarsest = [h3.cell_to_parent(cell, RESOLUTIONS[0]) for cell in grid.load().cells.tolist()]
    pieces = [set(coarsest[of_parents]) for _, of_parents in spans]
    assert sum(map(len, pieces)) == len(set(coarsest))
    assert all(own.start <= of_parents.start < own.stop for own, of_parents in spans)


def test_a_month_becomes_pieces_of_the_tables():
    """What the third stage gets is what the second made: cells, stations' days, and notes."""
    rows = [(hour, 0.04, hour < 30) for hour in range(HOURS)]
    records = [
        record(COOK, 1, 0, rows),
        record(COOK, 1, 1, rows[:2]),
        record(LAKE, 2, 2, rows[:24] + rows[48:72]),
    ]
    pieces = stages.month_pieces(JOB, table(records))
    assert pieces.schema == model.PIECES
    assert pieces.column("piece").to_pylist() == [
        *range(CELL_PIECES),
        CELL_PIECES + 6,
        STATIONS_PIECE,
        RESIDUALS_PIECE,
        RANGES_PIECE,
    ]
    assert set(pieces.column("month").to_pylist()) == {6}
    *cells, days, _, residuals, left_out = pieces.column("rows").to_pylist()

    stations = assemble(table(records), DAYS)
    expected = stages.month_cells(OZONE, stations, metrics.daily(OZONE, stations.hours))
    for content, (own, of_parents) in zip(cells, stages.piece_spans(), strict=True):
        number = expected["cell"]
        sent = expected[(number >= own.start) & (number < of_parents.stop)]
        assert content == sent.tobytes()

    days = np.frombuffer(days, STATION_DAYS)
    assert Counter(days["site"].tolist()) == {COOK.encode(): DAYS, LAKE.encode(): 2}
    lake = days[days["site"] == LAKE.encode()]
    assert [str(day) for day in lake["day"]] == ["2013-06-01", "2013-06-03"]
    assert lake["smoke_hours"].tolist() == [24, 0]
    assert days["smoke_hours"][:3].tolist() == [24, 6, 0]
    assert days["daily"][0] == np.float32(0.04)
    assert days["aqi"][0] == 37  # 40 ppb of the 54 that make 50

    # The stations lie 20 to 30 miles apart; only the first has enough hours of days and month.
    residuals = np.frombuffer(residuals, RESIDUALS)
    assert residuals["quantity"].tolist() == [b"hours", b"daily", b"month"]
    assert set(residuals["from_miles"].tolist()) == {20}
    assert residuals["observed"].tolist() == [HOURS + 48, DAYS - 1, 1]
    assert residuals["estimated"].tolist() == [2 * 48, 0, 0]

    left_out = np.frombuffer(left_out, LEFT_OUT_MONTHS)
    assert left_out["site"].tolist() == [COOK.encode(), LAKE.encode()]
    assert set(left_out["from_miles"].tolist()) == {20}
    assert np.isfinite(left_out["observed"]).sum() == DAYS - 1
    assert np.isnan(left_out["observed"][:, DAYS:]).all()

    notes = json.loads(pieces.column("notes")[-3].as_py())
    assert notes["counts"] == {verdicts.DUPLICATE: 2, verdicts.UNCORRECTED: 0}
    assert notes["stations"] == [[COOK, *PLACES[COOK], [1]], [LAKE, *PLACES[LAKE], [2]]]


def test_counts_of_all_blocks_and_months_are_added_up():
    keys = {"parameter": 44201, "year": 2013, "month": 0}
    empty = dict.fromkeys(station_months.SCHEMA.names) | keys
    counts = [{"kept": 2, verdicts.READ: 3, verdicts.BAD_LINE: 1}, {"kept": 5, verdicts.READ: 5}]
    votes = json.dumps([(COOK, PLACES[COOK], [(-6, 2), (6, 1)])])
    changes = ["2014-05-01", None]
    blocks = table(
        empty | {"counts": json.dumps(found), "gmt": votes, "newest_change": newest}
        for found, newest in zip(counts, changes, strict=True)
    )
    months = [
        table([record(COOK, 1, 0, [(5, 1, False), (5, 2, False)], month=1)]),
        table([record(COOK, 2, 0, [(5, 1, False)], month=2), record(LAKE, 1, 1, [(5, 1, False)])]),
    ]
    pieces = pa.concat_tables(stages.month_pieces(JOB, found) for found in (blocks, *months))
    notes = pieces.filter(pa.compute.equal(pieces["piece"], STATIONS_PIECE))
    assert stages._joined_notes(notes) == stages.Notes(
        {
            "kept": 7,
            verdicts.READ: 8,
            verdicts.BAD_LINE: 1,
            verdicts.DUPLICATE: 1,
            verdicts.UNCORRECTED: 0,
        },
        {},
        {"offsets": {COOK: -6}, "misfits": {COOK: 2}},
        [(COOK, *PLACES[COOK], 2), (LAKE, *PLACES[LAKE], 1)],
        "2014-05-01",
    )


def test_ranges_do_not_depend_on_which_month_is_done_first():
    chance = np.random.default_rng(1)
    months = []
    for month in range(1, 13):
        rows = np.zeros(40, LEFT_OUT_MONTHS)
        rows["site"] = [f"17-031-{number:04}" for number in range(40)]
        rows["month"] = month
        rows["observed"] = chance.uniform(0.01, 0.09, rows["observed"].shape)
        rows["estimated"] = rows["observed"] + chance.normal(0, 0.004, rows["observed"].shape)
        months.append((RANGES_PIECE, month, rows.tobytes(), None))
    checksums = {
        stages.range_rows(JOB, stages._pieces([months[n] for n in chance.permutation(12)])).checksum
        for _ in range(5)
    }
    assert len(checksums) == 1


# --- through Spark's shuffle ---


def test_rows_come_out_of_the_shuffle_by_key_and_in_order():
    rows = [(3, 1, b"a", None), (0, 1, b"b", "note"), (3, 2, None, "c")]
    sent = list(by_key("piece", stages._pieces(rows).to_batches()))
    assert [key for key, _ in sent] == [3, 0]
    of_three, of_none = together(model.PIECES, sent)
    assert of_three.schema == model.PIECES
    assert [tuple(row.values()) for row in of_three.to_pylist()] == [rows[0], rows[2]]
    assert [tuple(row.values()) for row in of_none.to_pylist()] == [rows[1]]
    assert list(together(model.PIECES, [])) == []


# --- the driver's rules ---


def counts_of(read=0, excluded=0, bad=0) -> Counter:
    kept = read - excluded - bad
    left_out = {verdicts.CANADA: excluded, verdicts.BAD_NUMBER: bad}
    return Counter({verdicts.READ: read, "kept": kept} | left_out)


def test_counts_are_told_apart_by_kind():
    found = driver._checked_counts("x", counts_of(read=1000, excluded=500, bad=25), 0.05)
    assert found.rows_read == 1000
    assert found.excluded == {verdicts.CANADA: 500}
    assert found.rejected == {verdicts.BAD_NUMBER: 25}


def test_too_many_bad_rows_stop_the_load():
    """Rows excluded by rule do not count: 26 of 500."""
    with pytest.raises(AirAwareError, match=r"26 of 500 rows are bad.*AIRAWARE_MAX_BAD_ROWS"):
        driver._checked_counts("x", counts_of(read=1000, excluded=500, bad=26), 0.05)
    assert driver._checked_counts("x", counts_of(read=1000, bad=1), 0.001)
    with pytest.raises(AirAwareError, match=r"nothing was loaded|Nothing was loaded"):
        driver._checked_counts("x", counts_of(read=1000, bad=1), 0)


def test_a_file_of_bad_rows_alone_is_no_load():
    with pytest.raises(AirAwareError, match="not one row to use"):
        driver._checked_counts("x", counts_of(10, bad=10), 1.0)


@pytest.mark.parametrize("counts", [counts_of(), counts_of(10, excluded=10)])
def test_a_file_whose_rows_are_all_left_out_by_rule_has_no_candidates(counts):
    assert driver._checked_counts("x", counts, 0.0).candidates == 0


@pytest.mark.parametrize(
    "error",
    [AirAwareError("x: bad"), epa.BadFileError("x", "bad"), rawstore.DamagedError("x: bad")],
    ids=lambda error: type(error).__name__,
)
def test_a_tasks_error_is_known_by_its_traceback(error):
    text = "".join(traceback.format_exception(error))
    assert re.search(driver.KNOWN_ERROR, f"Job aborted: {text}\n")[1] == str(error)
