"""What a zone serves can be saved in a bucket, and a zone that lacks it gets it back, unaltered."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from promtool import CHECKOUT
from psycopg2 import sql

from airaware import settings, store
from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store import backup, rowhash, verify
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
        edges = {"1987": "cd", "1985": None}
        source = Source("hourly_44201_1986.zip", "ab" * 32, "1", True, edges, "2014-06-12")
        counts = Counts(1000, {"Canada": 7}, {}, {"17-031-4201": 5}, newest_change="2014-05-30")
        yield zone_load.commit(source, counts, 2, datetime(2026, 1, 1, tzinfo=UTC))
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
                    f"INSERT INTO {{}} SELECT %s, %s, %s, {reals}, {smalls}, {reals}, {reals},"
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
        for piece, table in enumerate(("cell_year", "station_day")):
            cursor.execute(
                sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s)").format(into.staging("piece")),
                (piece, table, *rowhash.add_up(cursor, into.staging(table))),
            )


def served(zone: Zone) -> backup.Saved | None:
    return DatabaseCopies(zone).loads().get(KEY)


def held(zone: Zone) -> backup.Saved:
    found = served(zone)
    assert found
    return found


def test_a_zone_gets_what_another_has(zones: tuple[Zone, ...], loaded: str) -> None:
    backup.refill(DatabaseCopies(zones[1]), [DatabaseCopies(zones[0])])
    assert served(zones[1]) == served(zones[0])
    assert held(zones[1]).checksum == loaded
    assert held(zones[1]).source.file_date == "2014-06-12"
    assert held(zones[1]).counts.newest_change == "2014-05-30"


def test_the_reader_may_copy(
    zones: tuple[Zone, ...], reader_zones: tuple[Zone, ...], loaded: str
) -> None:
    backup.refill(DatabaseCopies(zones[1]), [DatabaseCopies(reader_zones[0])])
    assert held(zones[1]).checksum == loaded


@pytest.mark.usefixtures("loaded")
def test_a_zone_gets_what_the_bucket_has(
    zones: tuple[Zone, ...], bucket: BucketCopies, capsys
) -> None:
    backup.save(DatabaseCopies(zones[0]), bucket)
    backup.refill(DatabaseCopies(zones[1]), [bucket])
    assert served(zones[1]) == served(zones[0])
    capsys.readouterr()
    backup.save(DatabaseCopies(zones[0]), bucket)
    backup.refill(DatabaseCopies(zones[1]), [bucket])
    assert capsys.readouterr().out == ""  # All is there already.


def test_a_copy_saved_before_edges_were_kept_is_read() -> None:
    old = (
        '{"parameter": 44201, "year": 1986, "started_at": "2026-01-01T00:00:00+00:00", "source":'
        ' {"input_name": "hourly_44201_1986.zip", "input_sha256": "ab", "code_version": "1",'
        ' "synthetic": true}, "counts": {"rows_read": 7, "excluded": {}, "rejected": {}},'
        ' "checksum": "8"}'
    )
    saved = backup.Saved.from_json(old)
    assert saved.source.edges == {}
    assert not saved.verifiable


def test_a_copy_of_the_release_before_serves_on(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies
) -> None:
    """It lacks the tables that came later, and its load had no row of them."""
    backup.save(DatabaseCopies(zones[0]), bucket)
    s3 = boto3.client("s3")
    s3.delete_object(Bucket=BUCKET, Key=f"backup/44201_1986/{loaded}/ranking")
    key = "backup/44201_1986.json"
    saved = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert "ranking" in saved.pop("tables")
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(saved))
    backup.refill(DatabaseCopies(zones[1]), [bucket])
    assert held(zones[1]).checksum == loaded


def damage(loaded: str) -> None:
    """Rename a station in the bucket's copy."""
    s3 = boto3.client("s3")
    key = f"backup/44201_1986/{loaded}/station_day"
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    at = body.index(b"17-031-4201")
    s3.put_object(Bucket=BUCKET, Key=key, Body=body[:at] + b"17-031-4202" + body[at + 11 :])


def test_a_damaged_copy_is_not_served(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies, capsys
) -> None:
    backup.save(DatabaseCopies(zones[0]), bucket)
    damage(loaded)
    backup.refill(DatabaseCopies(zones[1]), [bucket])
    assert "it is damaged" in capsys.readouterr().err
    assert served(zones[1]) is None


def change(zone: Zone, statement: str) -> None:
    with closing(store.connect(zone)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1


DAMAGE = {
    "overwritten": "UPDATE station_day SET daily = 2 WHERE year = 1986 AND day = '1986-01-01'",
    "deleted": "DELETE FROM cell_year WHERE year = 1986 AND cell = 604157776758833151",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_repaired_from_the_other_zone(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies, capsys, kind: str
) -> None:
    """The copy in the bucket is damaged, too."""
    config = replace(settings.read(), zones=zones, backup=str(bucket))
    backup.save(DatabaseCopies(zones[0]), bucket)
    damage(loaded)
    backup.refill(DatabaseCopies(zones[1]), [DatabaseCopies(zones[0])])
    assert verify.run(config, zones[0], [1986], repair=False)
    assert verify.run(config, zones[1], [1986], repair=False)
    change(zones[1], DAMAGE[kind])
    capsys.readouterr()
    assert not verify.run(config, zones[1], [1986], repair=False)
    name = f"zone {zones[1].name}: 1986 of 44201 is damaged"
    assert name in capsys.readouterr().out
    assert (told(zones[0], "checksum"), told(zones[0], "damaged")) == (mod(loaded), 0)
    assert told(zones[1], "checksum") != mod(loaded)
    assert told(zones[1], "damaged") == 1
    # It is neither saved nor copied to where it lacks.
    assert not backup.save(DatabaseCopies(zones[1]), BucketCopies(f"s3://{BUCKET}/other"))
    assert "is damaged" in capsys.readouterr().err
    assert verify.run(config, zones[1], [1986], repair=True)
    assert verify.run(config, zones[1], [1986], repair=False)
    assert told(zones[1], "checksum") == mod(loaded)


def test_damage_is_repaired_from_the_bucket_where_the_other_zone_is_damaged_too(
    zones: tuple[Zone, ...], loaded: str, bucket: BucketCopies, capsys
) -> None:
    config = replace(settings.read(), zones=zones, backup=str(bucket))
    backup.save(DatabaseCopies(zones[0]), bucket)
    backup.refill(DatabaseCopies(zones[1]), [bucket])
    for zone in zones:
        change(zone, DAMAGE["overwritten"])
    capsys.readouterr()
    assert verify.run(config, zones[1], [1986], repair=True)
    said = capsys.readouterr()
    assert f"loaded from {bucket}" in said.out
    assert f"zone {zones[0].name}: 1986 of 44201 is damaged" in said.err
    assert told(zones[1], "checksum") == mod(loaded)


def told(zone: Zone, metric: str) -> int:
    """Return what PostgreSQL's exporter tells of the load."""
    file = CHECKOUT / "modules" / "profile" / "files" / "prometheus" / "loads.yaml"
    query = yaml.safe_load(file.read_text())["airaware_verified"]["query"]
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {metric} FROM ({query}) AS q WHERE year = '1986'")  # noqa: S608
        return int(cursor.fetchone()[0])


def mod(checksum: str) -> int:
    """As PostgreSQL has it: with the sign of the checksum."""
    return int(Decimal(checksum) % 9007199254740881)


@pytest.mark.usefixtures("loaded")
def test_what_an_earlier_release_loaded_is_not_called_damaged(
    zones: tuple[Zone, ...], bucket: BucketCopies, capsys
) -> None:
    change(
        zones[0],
        "UPDATE load SET hash = DEFAULT, checksum = 7, found_checksum = NULL, verified_at = NULL"
        " WHERE year = 1986",
    )
    config = replace(settings.read(), zones=zones[:1], backup=str(bucket))
    assert verify.run(config, zones[0], [1986], repair=True)
    assert backup.save(DatabaseCopies(zones[0]), bucket)
    backup.refill(DatabaseCopies(zones[1]), [DatabaseCopies(zones[0])])
    said = capsys.readouterr()
    assert "damaged" not in said.out + said.err
    assert said.out.count("1986 of 44201 is not verifiable") == 3
    assert "fab submit-year 1986 --parameter 44201" in said.out
    assert (bucket.loads(), served(zones[1])) == ({}, None)
    with closing(store.connect(zones[0])) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM load WHERE found_checksum IS NOT NULL AND year = 1986")
        assert cursor.fetchone() is None  # no metric, and so no alert
    with ZoneLoad(zones[0], load("renewal")) as zone_load:
        assert not zone_load.holds(held(zones[0]).source)


def test_the_newest_years_come_first(zones, monkeypatch) -> None:
    class Offers(BucketCopies):
        def __init__(self) -> None: ...

        def loads(self) -> dict[Any, Any]:
            return {(44201, 1986): None, (44201, 1988): None, (88101, 1987): None}

    brought = []
    monkeypatch.setattr(backup, "_bring", lambda _own, key, _offered: brought.append(key[1]))
    backup.refill(DatabaseCopies(zones[1]), [Offers()])
    assert brought == [1988, 1987, 1986]


@pytest.mark.usefixtures("loaded")
def test_a_broken_off_save_does_not_count(zones: tuple[Zone, ...], bucket: BucketCopies) -> None:
    def broken(table: str, _: object) -> None:
        if table == "station_day":
            raise AirAwareError("broken off")

    with pytest.raises(AirAwareError, match="broken off"):
        bucket.save(held(zones[0]), broken)
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
    assert held(zones[1]).checksum == loaded
    assert "zone c: its database cannot be reached" in capsys.readouterr().err
    monkeypatch.setenv("AIRAWARE_BACKUP", "s3://bucket-that-is-not-there/backup")
    assert backup.main(["refill"]) == 1
