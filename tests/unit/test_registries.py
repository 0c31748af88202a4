"""A pollutant, a map metric, a role, a drill, a panel are one entry each: all else reads them.

docs/adding.md says which files each takes; tests/terraform and tests/puppet add a role to the code
there.
"""

import csv
import io
import json
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import one_more_role
import pyarrow as pa
import pytest
import yaml

from airaware.errors import AirAwareError
from airaware.host.dashboards import page, panels
from airaware.raw import epa, station_months, synthetic, verdicts
from airaware.science import metrics, pollutants
from airaware.science.map_metrics import MAP_METRICS, MapMetric
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import POLLUTANTS
from airaware.store import parents, tiles
from airaware.store.queries import Load
from airaware.web import map_page
from tools.drill import model
from tools.fleet import passwords
from tools.machine.checkout import CHECKOUT
from tools.region import packer, roles
from tools.region.roles import ROLES, Role
from tools.rollout import rollout

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


def load_of(parameter: int) -> Load:
    return Load(parameter, 2017, True, datetime(2018, 1, 1, tzinfo=UTC), "1")


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
    assert days.tolist() == [[40.0]]
    assert metrics.aqi(benzene, days)[0, 0] > 0

    monkeypatch.setattr(map_page, "values_version", lambda _: "1")
    (listed,) = map_page._catalogue([load_of(BENZENE)])
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

    def fetch(statement: str, _: dict[str, Any], **_of: object) -> list[SimpleNamespace]:
        asked.append(statement)
        return [SimpleNamespace(rows=None)]

    reader: Any = SimpleNamespace(fetch=fetch)
    tiles.values(reader, load_of(44201), shown.column, tiles.MAX_ZOOM, 2, 3)
    assert "array_send(nearest_km::real[])" in asked[0]
    with pytest.raises(ValueError, match="no such metric: daily_p95"):
        tiles.values(reader, load_of(44201), "daily_p95", 3, 2, 3)


def test_the_map_shows_columns_that_the_store_has_of_all_resolutions() -> None:
    assert set(MAP_METRICS) <= set(parents.AVERAGED)


# A role.


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Role:
    """One more entry, and nothing else."""
    shutil.copytree(CHECKOUT / "terraform", tmp_path / "terraform")
    one_more_role.add(tmp_path, "terraform")
    entry = roles.read(tmp_path)["cache"]
    monkeypatch.setitem(ROLES, "cache", entry)
    return entry


def test_a_role_takes_at_most_six_files() -> None:
    """tests/terraform and tests/puppet add them, and nothing else."""
    assert len(one_more_role.FILES) <= 6
    text = (CHECKOUT / "docs" / "adding.md").read_text()
    section = text.split("## A role of hosts")[1].split("\n## ")[0]
    listed = {"terraform/roles.yaml", *re.findall(r"^\| `(.*?)`", section, re.MULTILINE)}
    assert {name.replace("ROLE", "cache") for name in listed} == {*one_more_role.FILES}


class Parameters:
    """SSM's Parameter Store, as far as passwords need it; `names` are what was put there."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def get_paginator(self, _: str) -> "Parameters":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Parameters": []}]

    def put_parameter(self, **given: Any) -> None:
        self.names.append(given["Name"])


@pytest.mark.usefixtures("cache")
def test_a_new_role_has_its_packages_and_its_passwords() -> None:
    assert packer.packages("lab")["varnish"] == "7."
    parameters = Parameters()
    passwords.ensure(parameters, "lab")
    assert [name for name in parameters.names if "/cache/" in name] == [
        "/airaware/lab/cache/reader_password"
    ]


def test_roles_have_their_turns_in_the_order_of_their_entries() -> None:
    assert tuple(roles.read()) == rollout.ORDER
    assert (rollout.ORDER[0], rollout.ORDER[-1]) == ("puppet", "web")


def test_a_role_may_read_the_passwords_that_its_hosts_use() -> None:
    for name, role in ROLES.items():
        data = yaml.safe_load((CHECKOUT / f"hieradata/role/{name}.yaml").read_text())
        used = {data.get("airaware::settings::password")} - {None}
        used |= {*data.get("profile::database::secrets", {}).values()}
        assert used <= {*role.passwords}, name


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hosts: zones", "hosts: everywhere", "the role database: hosts is 'everywhere'"),
        ("  permissions: [keep_backup]\n", "", "the role database: .*permissions"),
        ("permissions: [keep_backup]", "permits: [keep_backup]", "the role database: .*permits"),
        ("  count: 2\n", "", "the role spark_worker: count belongs to"),
    ],
)
def test_an_entry_that_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (CHECKOUT / roles.REGISTRY).read_text()
    assert old in text
    (tmp_path / roles.REGISTRY).parent.mkdir()
    (tmp_path / roles.REGISTRY).write_text(text.replace(old, new, 1))
    with pytest.raises(AirAwareError, match=told):
        roles.read(tmp_path)


def test_no_other_file_lists_the_roles() -> None:
    """A list kept in parallel would be one more file to touch; the flows are pairs of roles."""
    parts = ("airaware", "tools", "terraform", "packer", "modules", "hieradata", "manifests")
    listing = {
        str(path.relative_to(CHECKOUT))
        for part in parts
        for path in (CHECKOUT / part).rglob("*")
        if path.suffix in {".py", ".tf", ".tfvars", ".hcl", ".json", ".pp", ".epp", ".yaml", ".rb"}
        and not {"tests", "build", "static"} & {*path.parts}
        and not path.stem.endswith("_test")
        and all(name in path.read_text() for name in ROLES)
    }
    assert listing == {"terraform/roles.yaml", "terraform/flows.tf"}


# A drill.


def test_a_new_drill_is_listed_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drills = tmp_path / "drills"
    shutil.copytree(model.DRILLS, drills, ignore=shutil.ignore_patterns("__pycache__"))
    text = (drills / "web_hang.py").read_text()
    (drills / "web_stall.py").write_text(text.replace('name="web-hang"', 'name="web-stall"'))
    before = model.names()
    monkeypatch.setattr(model, "DRILLS", drills)
    assert model.names() == sorted([*before, "web-stall"])
    assert model.find("web-stall").name == "web-stall"


def test_every_drill_is_named_as_its_file() -> None:
    assert [model.find(name).name for name in model.names()] == model.names()


# A panel.


def test_a_new_panel_is_drawn_by_grafana_and_by_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, query = panels._dashboard, ("up", "{{host}}")
    monkeypatch.setattr(
        panels,
        "_dashboard",
        lambda name, *given: made(name, *given, panels.graph("One more", panels.COUNT, query)),
    )
    monkeypatch.setattr("sys.argv", ["panels", str(tmp_path)])
    panels.main()
    for path in tmp_path.glob("*.json"):
        assert json.loads(path.read_text())["panels"][-1]["title"] == "One more"
    assert ("AirAware: fleet: One more", "up") in page.queries(panels.all_of_them())
