"""What a zone serves can be saved in a bucket, and a zone that lacks it gets it back, unaltered."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws
from psycopg2 import sql

from airaware import store
from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store import backup
from airaware.store.backup import BucketCopies, DatabaseCopies
from airaware.store.load import TABLES, Counts, Load, Source, ZoneLoad

# A year that no other test loads.
KEY = (44201, 1986)
BUCKET = "backup-of-the-test"


@pytest.fixture
def bucket() -> Iterator[BucketCopies]:
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield BucketCopies(f"s3://{BUCKET}/backup")


@pytest.fixture
def loaded(zones: tuple[Zone, ...]) -> Iterator[str]:
    """The checksum of a small load that the first zone has, and the second lacks."""
    with ZoneLoad(zones[0], load("of_the_test")) as zone_load:
        zone_load.lock(wait=True)
        zone_load.stage()
        insert(zones[0], zone_load.load)
        source = Source("hourly_44201_1986.zip", "ab" * 32, "1", True, {"1987": "cd", "1985": None})
        counts = Counts(1000, {"Canada": 7}, {}, {"17-031-4201": 5})
        yield zone_load.commit(source, counts, 0, datetime(2026, 1, 1, tzinfo=UTC))
    for zone in zones:
        with closing(store.connect(zone)) as connection, connection, connection.cursor() as cursor:
            for table in TABLES:
                name = sql.Identifier(load("").partition(table))
                cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
            cursor.execute("DELETE FROM load WHERE parameter = %s AND year = %s", KEY)


def load(attempt: str) -> Load:
    return Load(*KEY, attempt)


def insert(zone: Zone, into: Load) -> None:
    """Some cells of one parent, and a station's days, the second day without hours."""
    cells = [0x862664C07FFFFFF, 0x862664C0FFFFFFF]
    reals, smalls = "array_fill(1.5::real, ARRAY[12])", "array_fill(3::smallint, ARRAY[12])"
    with closing(store.connect(zone)) as connection, connection, connection.cursor() as cursor:
        for cell in cells:
            cursor.execute(
                sql.SQL(
                    f"INSERT INTO {{}} SELECT %s, %s, %s, {reals}, {smalls}, {reals}, {reals},"  # noqa: S608
                    f" {reals}, {reals}, {smalls}, {smalls}, {smalls}, {smalls}, {reals}"
                ).format(into.staging("cell_year")),
                (*KEY, cell),
            )
        for day, hour in (("1986-01-01", "0.04"), ("1986-01-02", "NaN")):
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} SELECT %s, %s, '17-031-4201', %s,"
                    " array_fill(%s::real, ARRAY[24]), %s, -1, 0"
                ).format(into.staging("station_day")),
                (*KEY, day, hour, hour),
            )


def served(zone: Zone) -> backup.Saved | None:
    return DatabaseCopies(zone).loads().get(KEY)


def test_a_zone_gets_what_another_has(zones: tuple[Zone, ...], loaded: str) -> None:
    backup.refill(DatabaseCopies(zones[1]), DatabaseCopies(zones[0]))
    assert served(zones[1]) == served(zones[0])
    assert served(zones[1]).checksum == loaded


def test_the_reader_may_copy(
    zones: tuple[Zone, ...], reader_zones: tuple[Zone, ...], loaded: str
) -> None:
    backup.refill(DatabaseCopies(zones[1]), DatabaseCopies(reader_zones[0]))
    assert served(zones[1]).checksum == loaded


def test_a_zone_gets_what_the_bucket_has(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies, capsys
) -> None:
    backup.save(DatabaseCopies(zones[0]), bucket)
    backup.refill(DatabaseCopies(zones[1]), bucket)
    assert served(zones[1]) == served(zones[0])
    capsys.readouterr()
    backup.save(DatabaseCopies(zones[0]), bucket)
    backup.refill(DatabaseCopies(zones[1]), bucket)
    assert capsys.readouterr().out == ""  # All is there already.


def test_a_copy_saved_before_edges_were_kept_is_read() -> None:
    old = (
        '{"parameter": 44201, "year": 1986, "started_at": "2026-01-01T00:00:00+00:00", "source":'
        ' {"input_name": "hourly_44201_1986.zip", "input_sha256": "ab", "code_version": "1",'
        ' "synthetic": true}, "counts": {"rows_read": 7, "excluded": {}, "rejected": {}},'
        ' "checksum": "8"}'
    )
    assert backup.Saved.from_json(old).source.edges == {}


def test_a_damaged_copy_is_not_served(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies
) -> None:
    backup.save(DatabaseCopies(zones[0]), bucket)
    s3 = boto3.client("s3")
    key = f"backup/44201_1986/{loaded}/station_day"
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    at = body.index(b"17-031-4201")
    s3.put_object(Bucket=BUCKET, Key=key, Body=body[:at] + b"17-031-4202" + body[at + 11 :])
    with pytest.raises(AirAwareError, match="it is damaged"):
        backup.refill(DatabaseCopies(zones[1]), bucket)
    assert served(zones[1]) is None


def test_a_broken_off_save_does_not_count(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies, monkeypatch
) -> None:
    def broken(table: str, file) -> None:
        if table == "station_day":
            raise AirAwareError("broken off")

    with pytest.raises(AirAwareError, match="broken off"):
        bucket.save(served(zones[0]), broken)
    assert bucket.loads() == {}


def test_the_command_takes_the_bucket_when_no_other_zone_answers(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies, monkeypatch, capsys
) -> None:
    backup.save(DatabaseCopies(zones[0]), bucket)
    nowhere = "host=127.0.0.1 port=9 dbname=airaware"
    monkeypatch.setenv("AIRAWARE_ZONES", f"b={zones[1].dsn}; c={nowhere}")
    monkeypatch.setenv("AIRAWARE_ZONE", "b")
    monkeypatch.setenv("AIRAWARE_BACKUP", str(bucket))
    assert backup.main(["refill"]) == 0
    assert served(zones[1]).checksum == loaded
    assert "zone c: its database cannot be reached" in capsys.readouterr().err
    monkeypatch.setenv("AIRAWARE_BACKUP", "s3://bucket-that-is-not-there/backup")
    assert backup.main(["refill"]) == 1
