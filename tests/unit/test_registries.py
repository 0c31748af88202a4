"""A pollutant is one entry, and so is a map metric: everything else reads them."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from airaware.raw import epa, station_months, synthetic, verdicts
from airaware.science import metrics, pollutants
from airaware.science.map_metrics import MAP_METRICS, MapMetric
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import POLLUTANTS
from airaware.store import load, tiles
from airaware.store.tiles import LoadedYear
from airaware.web import map_page

BENZENE = 45201


@pytest.fixture
def benzene(monkeypatch: pytest.MonkeyPatch) -> Pollutant:
    """One more entry, and nothing else."""
    entry = replace(pollutants.get(42602), code=BENZENE, name="Benzene", label="Benzene")
    monkeypatch.setitem(POLLUTANTS, BENZENE, entry)
    return entry


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> MapMetric:
    """One more metric of the map, and nothing else."""
    metric = MapMetric("nearest_km", lambda _: "Distance", lambda _: (0, 100), "month")
    monkeypatch.setitem(MAP_METRICS, metric.column, metric)
    return metric


def test_a_new_pollutant_is_imitated_read_judged_and_mapped(
    benzene: Pollutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / epa.file_name(BENZENE, 2017)
    synthetic.write(path, BENZENE, 2017, stations=4)
    assert epa.check_file(path, BENZENE, 2017).synthetic
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    assert {row["Parameter Name"] for row in csv.DictReader(io.StringIO(text))} == {"Benzene"}

    found = pa.Table.from_batches(list(station_months.read(path, BENZENE, 2017)))
    assert verdicts.OTHER_PARAMETER not in "".join(found["counts"].drop_null().to_pylist())
    days = metrics.daily(benzene, np.full((1, 24 + 2 * metrics.MARGIN_HOURS), 40.0))
    assert days.tolist() == [[40.0]] and metrics.aqi(benzene, days)[0, 0] > 0

    monkeypatch.setattr(map_page, "values_version", lambda _: "1")
    (listed,) = map_page._catalogue([LoadedYear(BENZENE, 2017, True, "1")])
    assert listed["label"] == "Benzene"
    assert [(each["low"], each["high"]) for each in listed["metrics"]] == [
        benzene.map_scales.hourly_mean,
        benzene.map_scales.daily_mean,
        benzene.map_scales.daily_max,
        (0, 10),
    ]


def test_a_pollutant_without_scales_or_profile_cannot_be_made() -> None:
    entry = vars(pollutants.get(44201))
    for needed in ("map_scales", "synthetic"):
        with pytest.raises(TypeError, match=needed):
            Pollutant(**{name: value for name, value in entry.items() if name != needed})


def test_a_new_map_metric_is_listed_and_read(shown: MapMetric) -> None:
    ozone = pollutants.get(44201)
    assert map_page._metrics(ozone)[-1] == {
        "name": "nearest_km",
        "label": "Distance",
        "unit": "ppb",
        "low": 0,
        "high": 100,
        "errs_as": "month",
    }
    asked = []

    def fetch(statement: str, _: dict[str, Any]) -> list[SimpleNamespace]:
        asked.append(statement)
        return [SimpleNamespace(rows=None)]

    reader: Any = SimpleNamespace(fetch=fetch)
    tiles.values(reader, LoadedYear(44201, 2017, True, "1"), shown.column, 3, 2, 3)
    assert "array_send(nearest_km::real[])" in asked[0]
    with pytest.raises(ValueError, match="no such metric: daily_p95"):
        tiles.values(reader, LoadedYear(44201, 2017, True, "1"), "daily_p95", 3, 2, 3)


def test_the_map_shows_columns_that_the_store_has_of_all_resolutions() -> None:
    assert set(MAP_METRICS) <= set(load._AVERAGED)
