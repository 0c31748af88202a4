"""A file that is replaced while its year is loaded stops the load, in a folder and in S3."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from moto import mock_aws
from small_load import COUNTS, PARAMETER, STARTED, YEAR, ask, nothing_left, source

from airaware import settings
from airaware.errors import AirAwareError
from airaware.job import driver, model, stages
from airaware.raw import epa, rawstore, synthetic, verdicts
from airaware.settings import Zone
from airaware.store.load import Load, ZoneLoad

NAME = epa.file_name(PARAMETER, YEAR)


@pytest.fixture(autouse=True)
def leave_nothing(zones: tuple[Zone, ...]) -> Iterator[None]:
    with nothing_left(zones):
        yield


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small files of the same year."""
    files = []
    for seed in (1, 2):
        path = tmp_path_factory.mktemp(str(seed)) / NAME
        synthetic.write(path, PARAMETER, YEAR, seed=seed, stations=3)
        files.append(path)
    return files


@pytest.fixture(params=["folder", "s3"])
def raw(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path)
        return
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        bucket = boto3.resource("s3").Bucket("raw-of-the-test")
        bucket.create()
        bucket.Versioning().enable()
        yield "s3://raw-of-the-test/raw"


def put(raw: str, path: Path) -> None:
    rawstore.open(raw).put(NAME, path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_file_replaced_between_tasks_stops_the_load(zones, versions, raw, monkeypatch):
    put(raw, versions[0])
    for zone in zones:
        with ZoneLoad(zone, Load(PARAMETER, YEAR, "before")) as zone_load:
            zone_load.stage()
            zone_load.commit(source(), COUNTS, 0, STARTED)

    def run(_spark: object, job: model.Job, beyond: list[pa.RecordBatch]) -> list[dict[str, Any]]:
        """Read one share, replace the file, and read the other, as two tasks may."""
        list(stages.read_shares(job, beyond, [0]))
        put(raw, versions[1])
        list(stages.read_shares(job, beyond, range(1, job.shares)))
        notes = {"counts": {verdicts.READ: 1}, "uncorrected": {}, "stations": 3}
        notes |= {"clocks": {"offsets": {}, "misfits": {}}, "newest_change": None}
        row = {"piece": 0, "error": None, "notes": json.dumps(notes)}
        return [row | {"zone": zone.name} for zone in zones]

    monkeypatch.setattr(driver, "run", run)
    config = replace(settings.read(), raw=raw, zones=zones)
    with pytest.raises(AirAwareError, match=f"{NAME}.*ubmit the year again"):
        driver.load_year(None, config, PARAMETER, YEAR, 2, again=False)
    for zone in zones:
        assert ask(zone, "SELECT attempt FROM load WHERE year = %s", YEAR) == [("before",)]
