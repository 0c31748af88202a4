"""EPA's files made of a few rows, and what is read of them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from airaware.raw import epa, station_months, verdicts
from airaware.science.metrics import MARGIN_HOURS

OZONE, PM25 = 44201, 88101
SOUND = {
    "State Code": "17",
    "County Code": "031",
    "Site Num": "4201",
    "Parameter Code": "44201",
    "POC": "1",
    "Latitude": "42.139996",
    "Longitude": "-87.799227",
    "Datum": "WGS84",
    "Parameter Name": "Ozone",
    "Date Local": "2013-06-15",
    "Time Local": "13:00",
    "Date GMT": "2013-06-15",
    "Time GMT": "19:00",
    "Sample Measurement": "0.041",
    "Units of Measure": "Parts per million",
    "MDL": "0.005",
    "Uncertainty": "",
    "Qualifier": "",
    "Method Type": "FEM",
    "Method Code": "047",
    "Method Name": "INSTRUMENTAL - ULTRA VIOLET, OF A KIND",
    "State Name": "Illinois",
    "County Name": "Cook",
    "Date of Last Change": "2014-05-01",
}
BARE = {"POC", "Latitude", "Longitude", "Sample Measurement", "MDL"}


def row(**changes: str) -> dict[str, str]:
    """The sound row with other values: row(Time_Local="24:00")."""
    return SOUND | {name.replace("_", " "): value for name, value in changes.items()}


def pm_row(**changes: str) -> dict[str, str]:
    return row(
        Parameter_Code="88101", Units_of_Measure="Micrograms/cubic meter (LC)", **changes
    )  # fmt: skip


def line(fields: Mapping[str, str], columns: Iterable[str]) -> str:
    """A line as EPA writes it: numbers bare, all else quoted."""
    return ",".join(
        fields[name] if name in BARE else f'"{fields[name]}"' for name in columns
    )  # fmt: skip


def text_of(rows: Iterable[Mapping[str, str] | str], columns=epa.COLUMNS_24) -> str:
    header = ",".join(f'"{name}"' for name in columns)
    lines = (fields if isinstance(fields, str) else line(fields, columns) for fields in rows)
    return "\n".join([header, *lines, ""])


def read(path: Path, parameter=OZONE, year=2013, shares=1) -> tuple[dict, Counter]:
    """A file's rows by (site, POC, month), each (hour, value, smoke) in the file's order; counts.

    Hours count from the month's beginning; those of the margin before it are negative.

    The month's place among keys that have none left is held by the counts alone.
    """
    records: list[tuple] = []
    counts: Counter[str] = Counter()
    for share in range(shares):
        for batch in station_months.read(path, parameter, year, share, shares):
            assert batch.schema == station_months.SCHEMA
            for record in batch.to_pylist():
                assert (record["parameter"], record["year"]) == (parameter, year)
                if record["month"] == 0:
                    counts.update(json.loads(record["counts"]))
                    continue
                hours = np.frombuffer(record["hour"], np.uint16).astype(int) - MARGIN_HOURS
                values = np.frombuffer(record["value"], np.float32).tolist()
                smoke = np.frombuffer(record["smoke"], bool).tolist()
                key = (record["site"], record["poc"], record["month"])
                place = (record["latitude"], record["longitude"])
                found = zip(hours.tolist(), values, smoke, strict=True)
                records.append((record["position"], key, [(*item, place) for item in found]))
    months: dict[tuple, list] = {}
    for _, key, items in sorted(records, key=lambda record: record[0]):
        months.setdefault(key, []).extend(items)
    return months, +counts


def reasons(path: Path, parameter=OZONE, year=2013) -> dict[str, int]:
    """How many rows were kept or left out, by verdict."""
    counts = read(path, parameter, year)[1]
    assert counts.pop(verdicts.READ) == sum(counts.values())
    return dict(counts)


def f32(value: float) -> float:
    return float(np.float32(value))
