"""What PostgreSQL's exporter tells of the manifest, as Puppet has it asked."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from promtool import CHECKOUT, program

from airaware import store
from airaware.settings import Zone
from tools.environments.local import Local
from tools.machine.postgres import READER, free_port

QUERIES = CHECKOUT / "modules" / "profile" / "files" / "prometheus" / "loads.yaml"
CHECKSUM = Decimal("123456789012345678901234567890")


@pytest.fixture
def loaded(zones: tuple[Zone, ...]) -> Iterator[None]:
    """A row of the manifest, of a year that no other test loads."""
    with closing(store.connect(zones[0])) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO load (parameter, year, attempt, input_name, input_sha256, code_version,"
            " synthetic, rows_read, excluded, rejected, rows_loaded, checksum, started_at,"
            " committed_at, found_checksum, verified_at)"
            " VALUES (44201, 1985, 'a', 'a.zip', 'ab', '1', true, 1000,"
            """ '{"Canada": 7, "Mexico": 3}', '{}', '{}', %s, now(), to_timestamp(1764000000),"""
            " %s, to_timestamp(1764000001))",
            (CHECKSUM, CHECKSUM + 1),
        )
    yield
    with closing(store.connect(zones[0])) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM load WHERE parameter = 44201 AND year = 1985")


@pytest.mark.usefixtures("loaded")
def test_the_manifest_is_told(region: Local) -> None:
    cluster = next(iter(region.clusters.values()))
    port = free_port()
    exporter = subprocess.Popen(
        [
            program("prometheus-postgres-exporter"),
            f"--extend.query-path={QUERIES}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        env=os.environ
        | {
            "DATA_SOURCE_NAME": f"host=127.0.0.1 port={cluster.port} dbname=airaware user={READER}"
            " sslmode=disable",
            "PGPASSFILE": str(cluster.passfile),
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        told = metrics(f"http://127.0.0.1:{port}/metrics")
    finally:
        exporter.terminate()
        exporter.wait()
    assert told["pg_up"] == 1
    assert {name: told[f"airaware_load_{name}"] for name in ("rows", "excluded_rows")} == {
        "rows": 1000,
        "excluded_rows": 10,
    }
    assert told["airaware_load_rejected_rows"] == 0
    assert told["airaware_verified_checksum"] == int((CHECKSUM + 1) % 9007199254740881)
    assert told["airaware_verified_damaged"] == 1
    assert told["airaware_verified_timestamp_seconds"] == 1764000001
    assert told["airaware_load_committed_timestamp_seconds"] == 1764000000


def metrics(address: str) -> dict[str, float]:
    """By name; of those of a load, the one of 1985."""
    deadline = time.monotonic() + 20
    while True:
        try:
            text = requests.get(address, timeout=10).text
            break
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "the exporter does not start"
            time.sleep(0.1)
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("year", "1985") == "1985"
    }
