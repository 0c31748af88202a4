"""The stages' outputs for a small input of each pollutant, as digests.

    python tests/unit/job/golden.py    # renews golden.json; refuses where only results have changed

Numbers count to five significant digits: another machine's last bits do not matter.
"""

import hashlib
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airaware.job import model, stages, versions
from airaware.job.stations import assemble
from airaware.raw import edges, epa, rawstore
from airaware.science import pollutants, ranges, ranking
from airaware.science.leave_one_out import RESIDUALS
from airaware.science.pollutant import Pollutant
from airaware.science.summary import COLUMNS
from airaware.store.load import Load

FILE = Path(__file__).with_name("golden.json")
YEAR = 2013
# Site, instrument, place, hours from UTC: near each other, alone, beyond the grid, unplaced.
INSTRUMENTS = (
    ("17", "031", "4201", 1, 42.14, -87.80, -6),
    ("17", "031", "4201", 2, 42.14, -87.80, -6),
    ("17", "031", "7002", 1, 42.06, -87.68, -6),
    ("17", "097", "1007", 1, 42.47, -87.81, -6),
    ("18", "089", "2008", 1, 41.64, -87.49, -5),
    ("15", "003", "1001", 1, 21.31, -157.87, -10),
    ("CC", "011", "0001", 1, 49.15, -103.09, -5),
    ("08", "001", "0001", 1, 0.0, 0.0, -7),
)
DAYS = ("01-01", "01-02", "01-03", "07-01", "07-02", "12-31")


def digest(value: Any) -> str:
    """Return a digest of arrays and plain data, numbers to five significant digits."""
    return hashlib.sha256("\n".join(_lines(value)).encode()).hexdigest()[:16]


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, np.ndarray) and value.dtype.names:
        for name in value.dtype.names:
            yield name
            yield from _lines(value[name])
    elif isinstance(value, np.ndarray):
        yield from (f"{item:.4e}" if value.dtype.kind == "f" else str(item) for item in value.flat)
    elif isinstance(value, float):
        yield f"{value:.4e}"
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield str(key)
            yield from _lines(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _lines(item)
    else:
        yield repr(value)


def write(folder: Path, pollutant: Pollutant, year: int) -> None:
    """Write a small file of EPA's form: a formula's values, with gaps, smoke and bad rows."""
    name = epa.file_name(pollutant.code, year)
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(
        name.replace(".zip", ".csv"), "w"
    ) as file:  # fmt: skip
        lines = [epa.COLUMNS_24, *_rows(pollutant, year)]
        for line in lines:
            text = ",".join(f'"{field}"' for field in line)
            file.write(f"{text}\n".encode())


def _rows(pollutant: Pollutant, year: int) -> Iterator[list[str]]:
    methods = pollutant.uncorrected_methods[:1] + pollutant.corrected_methods[:1] or ("047",)
    for number, (state, county, site, poc, latitude, longitude, offset) in enumerate(INSTRUMENTS):
        for order, day in enumerate(DAYS):
            # The last day has too few hours at one site, the second day a gap at another.
            hours = range(14) if (number, order) in {(2, 5), (4, 1)} else range(24)
            for hour in hours:
                # From zero to far beyond the standard, so that days are of each AQI category.
                wave = 1 + np.sin(1 + number + 0.7 * order + hour / 4)
                value = 0.6 * pollutant.standard.level * wave * (1 + order)
                gmt = np.datetime64(f"{year}-{day}T{hour:02}") - np.timedelta64(offset, "h")
                fields = {
                    "State Code": state,
                    "County Code": county,
                    "Site Num": site,
                    "Parameter Code": str(pollutant.code),
                    "POC": str(poc),
                    "Latitude": str(latitude),
                    "Longitude": str(longitude),
                    "Date Local": f"{year}-{day}",
                    "Time Local": f"{hour:02}:00",
                    "Date GMT": str(gmt)[:10],
                    "Time GMT": f"{str(gmt)[11:13]}:00",
                    "Sample Measurement": "?" if (number, hour) == (3, 5) else f"{value:.5f}",
                    "Units of Measure": pollutant.file_units[0],
                    "Qualifier": "IT - Wildfire-U. S." if order == 3 and hour < 8 else "",
                    "Method Code": methods[(poc + order) % len(methods)],
                    "Date of Last Change": "2014-05-01",
                }
                yield [fields.get(name, "") for name in epa.COLUMNS_24]


# How old the data are: no row of a load depends on it.
OF_THE_MANIFEST = "newest_change"


def outputs(parameter: int) -> dict[str, str]:
    """Return a digest of what each stage makes of the parameter's small input."""
    job = model.Job(
        Load(parameter, YEAR, "golden"), raw="", zones=(), shares=1, file=rawstore.Exact("", "")
    )
    with tempfile.TemporaryDirectory() as folder:
        for year in (YEAR - 1, YEAR, YEAR + 1):
            write(Path(folder), job.pollutant, year)
        raw = rawstore.FolderStore(Path(folder))
        beyond = edges.neighbours(raw, parameter, YEAR, False, print)
        records = pa.Table.from_batches(_read(job, folder, beyond.records))
    months = sorted(set(records.column("month").to_pylist()))
    by_month = {
        month: records.filter(pc.equal(records["month"], month)).sort_by("position")
        for month in months
    }
    pieces = pa.concat_tables(stages.month_pieces(job, table) for table in by_month.values())
    notes = [json.loads(text) for text in pieces.column("notes").drop_null().to_pylist()]
    for note in notes:
        note.pop(OF_THE_MANIFEST, None)
    stations = [assemble(table, job.days(month)) for month, table in by_month.items() if month]
    days = _of(pieces, lambda piece: model.CELL_PIECES <= piece < model.STATIONS_PIECE)
    station_days = np.frombuffer(days, model.STATION_DAYS)
    cells = _cells(job, pieces)
    residuals = _of(pieces, lambda piece: piece == model.RESIDUALS_PIECE)
    found = {
        "read": digest(
            [records.drop(["position", OF_THE_MANIFEST]).to_pylist(), dict(beyond.digests)]
        ),
        "corrections": digest([[each.replaced, each.uncorrected_hours] for each in stations]),
        "stations": digest(
            [notes, [[each.sites, each.hours, each.smoke_hours] for each in stations]]
        ),
        job.pollutant.daily: digest(station_days[["daily", "aqi"]]),
        "cells": digest(cells[["cell", *COLUMNS]][::13]),
        "ranking": digest(_ranked(job, pieces)),
        "residuals": digest(np.frombuffer(residuals, RESIDUALS)),
        "ranges": digest(_ranges(job, pieces)),
    }
    return {stage: found[stage] for stage in versions.stages(parameter) if stage in found}


def _cells(job: model.Job, pieces: pa.Table) -> np.ndarray:
    """Return the months' cells, each once: pieces have some of the next one's for parents' sake."""
    cells = []
    for piece, rows in zip(*(pieces[name].to_pylist() for name in ("piece", "rows")), strict=True):
        if piece < model.CELL_PIECES:
            own, _ = stages.piece_spans()[piece]
            found = np.frombuffer(rows, model.month_cells(job.pollutant))
            cells.append(found[found["cell"] < own.stop])
    return np.concatenate(cells)


def _ranked(job: model.Job, pieces: pa.Table) -> list[np.ndarray]:
    """Return the cells' figures, piece by piece, as if their few days were a whole year near by."""
    found = []
    for piece in range(model.CELL_PIECES):
        table = pieces.filter(pc.equal(pieces["piece"], piece))
        own, _ = stages.piece_spans()[piece]
        _, months = stages.joined_months(job, table, own)
        months["days"], months["hours"], months["nearest_km"] = 30, 720, 5
        for name in ("hourly_mean", "daily_mean", "daily_max"):
            months[name] = np.nan_to_num(months[name])
        found.append(ranking.figures(job.pollutant, months, YEAR)[::13])
    return found


def _ranges(job: model.Job, pieces: pa.Table) -> list[np.ndarray]:
    """Return the months of stations left out, and what these make as if they were many stations."""
    days = _of(pieces, lambda piece: piece == model.RANGES_PIECE)
    months = np.frombuffer(days, ranges.LEFT_OUT_MONTHS)
    many = np.tile(months, 500)
    many["site"] = np.arange(len(many)) % 25
    return [months, ranges.made_of(job.pollutant, many)]


def _read(
    job: model.Job, folder: str, beyond: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    file = rawstore.open(folder).exact(epa.file_name(job.load.parameter, YEAR))
    job = model.Job(job.load, folder, job.zones, job.shares, file)
    return stages.read_shares(job, list(beyond), [0])


def _of(pieces: pa.Table, wanted: Any) -> bytes:
    """Return the rows of some pieces, one after another."""
    chosen = [wanted(piece) for piece in pieces.column("piece").to_pylist()]
    return b"".join(pieces.filter(pa.array(chosen)).column("rows").to_pylist())


def recorded() -> dict[str, dict[str, Any]]:
    """Return the versions and digests that golden.json has, by parameter."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def changed(parameter: int, entry: dict[str, Any]) -> list[str]:
    """Return the stages whose outputs are not the recorded ones, in order."""
    found = outputs(parameter)
    return [stage for stage in found if found[stage] != entry["outputs"].get(stage)]


def main() -> None:
    """Renew the file."""
    old, new = recorded(), {}
    for parameter in pollutants.POLLUTANTS:
        version = versions.code_version(parameter)
        entry = {"version": version, "outputs": outputs(parameter)}
        before = old.get(str(parameter), entry)
        if before != entry and before["version"] == version:
            stages_changed = ", ".join(changed(parameter, before))
            sys.exit(f"{parameter}: {stages_changed} changed: raise its version (job/versions.py)")
        new[str(parameter)] = entry
    FILE.write_text(json.dumps(new, indent=1) + "\n")


if __name__ == "__main__":
    main()
