"""Days that EPA's own files decide: each small input with its right value."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airaware.job import model, stages
from airaware.job.stations import assemble
from airaware.raw import edges, epa, rawstore
from airaware.science import metrics
from airaware.store.load import Load


def days_of(raw: Path, parameter: int, year: int) -> dict[tuple[str, str], tuple[float, int]]:
    """Return the daily metric and AQI of each station and day with any hour; NaN and -1 if none."""
    store = rawstore.open(str(raw))
    file = store.exact(epa.file_name(parameter, year))
    job = model.Job(Load(parameter, year, "test"), str(raw), (), 1, file)
    beyond = edges.neighbours(store, parameter, year, False, print)
    records = pa.Table.from_batches(stages.read_shares(job, beyond.records, [0]))
    found = {}
    for month in set(records.column("month").to_pylist()) - {0}:
        stations = assemble(records.filter(pc.equal(records["month"], month)), job.days(month))
        daily = metrics.daily(job.pollutant, stations.hours)
        for row in stages._station_days(job, month, stations, daily):
            found[row["site"].decode(), str(row["day"])] = (row["daily"], row["aqi"])
    return found


def test_dec31_ozone(case, tmp_path):
    """The means of 31 December reach into the next year: EPA has 0.021 ppm of that day."""
    day = "17-031-4201", "2013-12-31"
    shutil.copy(case("dec31-ozone") / "hourly_44201_2013.zip", tmp_path)
    assert np.isnan(days_of(tmp_path, 44201, 2013)[day][0])
    shutil.copy(case("dec31-ozone") / "hourly_44201_2014.zip", tmp_path)
    assert days_of(tmp_path, 44201, 2013)[day] == (np.float32(0.021), 19)


def test_co_night(case):
    """A night's mean belongs to the day in which it ends."""
    days = days_of(case("co-night"), 42101, 2010)
    assert days["02-020-0018", "2010-01-10"] == (np.float32(2.3), 26)
    assert days["02-020-0018", "2010-01-11"] == (np.float32(8.0), 86)


@pytest.mark.parametrize(
    ("site", "day"),
    [
        ("06-029-0014", "2014-11-06"),
        ("06-043-1001", "2014-09-09"),
        ("12-086-6001", "2014-06-09"),
    ],
)
def test_short_day_88502(case, site, day):
    """EPA reports no value of a day with fewer than 18 hours, however high."""
    daily, aqi = days_of(case("short-day-88502"), 88502, 2014)[site, day]
    assert np.isnan(daily)
    assert aqi == -1
