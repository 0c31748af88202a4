"""A site's clock, by the GMT times of its rows; and hours of two clocks that belong together."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airaware.job import model, stages
from airaware.job.stations import StationMonth, assemble
from airaware.raw import epa, gmt, rawstore
from airaware.science import grid, metrics, point, pollutants, utc_offsets
from airaware.science.sphere import great_circle_km, unit_vectors
from airaware.store.load import Load

CHICAGO, GARY, NOME, ATTU = (41.98, -87.79), (41.59, -87.34), (64.5, -165.41), (52.9, 172.9)
PARAMETER, YEAR = 88101, 2013
JOB = model.Job(
    Load(PARAMETER, YEAR, "test"), raw="", zones=(), shares=1, file=rawstore.Exact("", "")
)


def clocks(said: dict[int, int], place=CHICAGO) -> gmt.Clocks:
    return gmt.clocks([[("site", place, list(said.items()))]])


@pytest.mark.parametrize(
    ("_name", "place", "said", "offset", "misfits"),
    [
        ("what all rows say", CHICAGO, {-6: 8760}, -6, 0),
        ("EPA's word, though the map has another", GARY, {-5: 8760}, -5, 0),
        ("what most rows say", CHICAGO, {-6: 5000, -5: 3760}, -6, 3760),
        ("of two that are as many, what fits the longitude", CHICAGO, {-5: 10, -6: 10}, -6, 10),
        ("wrong sign", CHICAGO, {6: 8760}, -6, 8760),
        ("mostly the wrong sign", CHICAGO, {6: 8000, -6: 760}, -6, 8000),
        ("local time twice", CHICAGO, {0: 8760}, -6, 8760),
        ("no GMT time at all", CHICAGO, {}, -6, 0),
        ("far from its longitude, yet right", NOME, {-9: 8760}, -9, 0),
        ("beyond the antimeridian", ATTU, {-10: 8760}, -10, 0),
    ],
)
def test_a_sites_clock(_name, place, said, offset, misfits):
    found = clocks(said, place)
    assert found.offsets == {"site": offset}
    assert found.misfits == ({"site": misfits} if misfits else {})


def test_blocks_of_a_file_are_counted_together():
    """Neither block alone decides; the place is the first one's."""
    blocks = [[("a", CHICAGO, [(-5, 3)])], [("a", (0, 0), [(-6, 2)]), ("b", GARY, [(-6, 1)])],
              [("a", (0, 0), [(-6, 2)])]]  # fmt: skip
    assert gmt.clocks(blocks) == gmt.Clocks({"a": -6, "b": -6}, {"a": 3})


# Two monitors 50 km apart, on either side of the border in Indiana, and a place between them.
WEST, EAST, BETWEEN = (41.5, -87.05), (41.5, -86.45), (41.5, -86.75)
PULSE = datetime(YEAR, 7, 1, 4, tzinfo=UTC)  # 22:00 of 30 June in the west, 23:00 in the east


def zip_of_pulse(folder: Path, sign: int = 1) -> Path:
    """Write June and July at both monitors; the western one's GMT may have a wrong sign."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(epa.COLUMNS_24)
    for county, place, offset, stated in (("089", EAST, -5, -5), ("127", WEST, -6, -6 * sign)):
        for hour in range(24 * 61):
            local = datetime(YEAR, 6, 1, tzinfo=UTC) + timedelta(hours=hour)
            said = local - timedelta(hours=stated)
            fields = dict.fromkeys(epa.COLUMNS_24, "") | {
                "State Code": "18", "County Code": county, "Site Num": "0001",
                "Parameter Code": str(PARAMETER), "POC": "1",
                "Latitude": place[0], "Longitude": place[1],
                "Date Local": f"{local:%Y-%m-%d}", "Time Local": f"{local:%H:%M}",
                "Date GMT": f"{said:%Y-%m-%d}", "Time GMT": f"{said:%H:%M}",
                "Sample Measurement": 100 if local - timedelta(hours=offset) == PULSE else 10,
                "Units of Measure": "Micrograms/cubic meter (LC)",
            }  # fmt: skip
            writer.writerow(fields.values())
    folder.mkdir(exist_ok=True)
    path = folder / epa.file_name(PARAMETER, YEAR)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.name.replace(".zip", ".csv"), text.getvalue())
    return path


def read(folder: Path) -> tuple[dict[int, StationMonth], stages.Notes]:
    """Return the file's months as the batch's tasks have them, and the year's notes."""
    file = rawstore.open(str(folder)).exact(epa.file_name(PARAMETER, YEAR))
    job = model.Job(JOB.load, str(folder), (), 3, file)
    records = pa.Table.from_batches(stages.read_shares(job, [], range(job.shares)))
    months, pieces = {}, []
    for month in (0, 6, 7):
        table = records.filter(pc.equal(records["month"], month))
        pieces.append(stages.month_pieces(job, table))
        if month:
            notes = table.filter(table["site"].is_null())["gmt"].to_pylist()
            offsets = gmt.clocks(map(json.loads, notes)).offsets
            months[month] = assemble(table, job.days(month), offsets)
    found = pa.concat_tables(pieces)
    joined = found.filter(pc.equal(found["piece"], model.STATIONS_PIECE))
    return months, stages._joined_notes(joined)


def hours_between(stations: StationMonth) -> np.ndarray:
    at = unit_vectors(stations.latitude, stations.longitude)
    distance_km = great_circle_km(at, unit_vectors(*np.array(BETWEEN)))
    daily = metrics.daily(pollutants.get(PARAMETER), stations.hours)
    clock = utc_offsets.at(*BETWEEN)
    found = point.month(distance_km, stations.hours, daily, stations.offsets, clock)
    assert found is not None
    return found.hours


def test_a_pulse_at_one_instant_is_one_peak_between_two_clocks(tmp_path):
    zip_of_pulse(tmp_path)
    months, notes = read(tmp_path)
    assert notes.clocks == {"offsets": {"18-089-0001": -5, "18-127-0001": -6}, "misfits": {}}
    assert utc_offsets.at(*BETWEEN) == -6
    june, july = hours_between(months[6]), hours_between(months[7])
    assert june[-2] == pytest.approx(100)
    assert np.delete(june, -2) == pytest.approx(10)
    assert july == pytest.approx(10)
    assert len(july) == 24 * 31


def test_the_wrong_sign_gives_the_same_hours_and_is_counted(tmp_path):
    zip_of_pulse(tmp_path / "right")
    zip_of_pulse(tmp_path / "wrong", sign=-1)
    right, _ = read(tmp_path / "right")
    wrong, notes = read(tmp_path / "wrong")
    assert notes.clocks["misfits"] == {"18-127-0001": 24 * 61}
    assert notes.clocks["offsets"] == {"18-089-0001": -5, "18-127-0001": -6}
    for month, stations in right.items():
        assert (wrong[month].hours == stations.hours)[np.isfinite(stations.hours)].all()
        assert (hours_between(wrong[month]) == hours_between(stations)).all()


def test_a_cells_month_is_that_of_the_point_at_its_centre(tmp_path):
    """On both sides of the border; the mean of July has the hours that its own clock says."""
    zip_of_pulse(tmp_path)
    months, _ = read(tmp_path)
    stations = months[6]
    ozone = pollutants.get(PARAMETER)
    daily = metrics.daily(ozone, stations.hours)
    cells = stages.month_cells(ozone, stations, daily)
    clocks = utc_offsets.of_grid()[cells["cell"]]
    assert {-5, -6} <= set(clocks.tolist())
    at = unit_vectors(stations.latitude, stations.longitude)
    air = grid.load()
    for row, clock in zip(cells[::11], clocks[::11].tolist(), strict=True):
        centre = np.array([air.latitude[row["cell"]], air.longitude[row["cell"]]])
        distance_km = great_circle_km(at, unit_vectors(*centre))
        month = point.month(distance_km, stations.hours, daily, stations.offsets, clock)
        exact = point.figures(ozone, month)[0]
        assert row["hours"] == exact["hours"]
        assert row["hourly_mean"] == pytest.approx(exact["hourly_mean"], rel=1e-6)


def test_a_monitor_that_ended_with_the_month_before_makes_no_month():
    """Its last hour is the next month's by an eastern clock: no month is made of that hour."""
    hours = np.full((1, 7 + 24 * 30 + 7), np.nan)
    hours[0, :7] = 10
    daily = np.full((1, 30), np.nan)
    assert point.month(np.array([5.0]), hours, daily, np.array([-6]), -5) is None
