"""A zone's loads, saved in the bucket; and back where a zone lacks them.

    python -m airaware.store.backup save      saves the own zone's loads that the bucket lacks
    python -m airaware.store.backup refill    loads what the own zone lacks, and another zone or
                                              the bucket has

In the bucket a load is PARAMETER_YEAR/CHECKSUM/TABLE, one binary COPY stream a table, and
PARAMETER_YEAR.json, which is written last and says what they are. A copy becomes a zone's as any
load does: whole, and only if it has the checksum that it was saved with.
"""

import argparse
import json
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO
from urllib.parse import urlsplit

import boto3
import psycopg2
from psycopg2 import sql

from airaware import settings, store
from airaware.errors import AirAwareError
from airaware.raw import s3
from airaware.settings import Settings, Zone
from airaware.store.load import TABLES, Counts, Load, Source, ZoneLoad

# `parent_year` follows from the others.
COPIED = tuple(table for table in TABLES if table != "parent_year")
Key = tuple[int, int]  # parameter and year
# Writes a table's binary COPY stream to a file.
Copy = Callable[[str, IO[bytes]], None]


@dataclass(frozen=True)
class Saved:
    """What a copy of a load is a copy of: its row of the manifest."""

    parameter: int
    year: int
    source: Source
    counts: Counts
    started_at: datetime
    checksum: str

    def to_json(self) -> str:
        """As the bucket has it."""
        return json.dumps(asdict(self) | {"started_at": self.started_at.isoformat()})

    @classmethod
    def from_json(cls, text: str | bytes) -> "Saved":
        """As the bucket had it."""
        fields = json.loads(text)
        return cls(
            **fields
            | {
                "source": Source(**fields["source"]),
                "counts": Counts(**fields["counts"]),
                "started_at": datetime.fromisoformat(fields["started_at"]),
            }
        )


class DatabaseCopies:
    """The loads of a zone's database, which may be another host's."""

    def __init__(self, zone: Zone) -> None:
        """Copy from this zone."""
        self.zone = zone

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"zone {self.zone.name}"

    def loads(self) -> dict[Key, Saved]:
        """Return what the zone serves."""
        with closing(store.connect(self.zone)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT parameter, year, input_name, input_sha256, code_version, synthetic,"
                " edges, rows_read, excluded, rejected, uncorrected, utc_offsets, gmt_misfits,"
                " started_at, checksum::text FROM load"
            )
            return {
                (parameter, year): Saved(parameter, year, Source(*source), Counts(*counts), *rest)
                for parameter, year, *fields in cursor
                for source, counts, rest in [(fields[:5], fields[5:11], fields[11:])]
            }

    @contextmanager
    def reading(self, saved: Saved) -> Iterator[Copy]:
        """Copy the load's tables, all of one moment, in which it still is what `saved` says.

        Raises AirAwareError where another load has taken its place.
        """
        load = Load(saved.parameter, saved.year, "")
        with closing(store.connect(self.zone)) as connection, connection.cursor() as cursor:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursor.execute(
                "SELECT checksum::text FROM load WHERE parameter = %s AND year = %s",
                (saved.parameter, saved.year),
            )
            if cursor.fetchone() != (saved.checksum,):
                raise AirAwareError(f"{self}: {saved.year} of {saved.parameter} has changed")
            yield lambda table, file: cursor.copy_expert(
                sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(
                    sql.Identifier(load.partition(table))
                ),
                file,
            )


class BucketCopies:
    """The loads that a bucket has, under a prefix."""

    def __init__(self, url: str) -> None:
        """Take s3://BUCKET/PREFIX. Raises AirAwareError for any other `url`."""
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
            raise AirAwareError(f"AIRAWARE_BACKUP: '{url}' is not s3://BUCKET/PREFIX")
        self.bucket = parts.netloc
        self.prefix = parts.path.strip("/")
        self._client = boto3.client("s3")

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"s3://{self.bucket}/{self.prefix}"

    def loads(self) -> dict[Key, Saved]:
        """Return the whole copies that the bucket has."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}/", Delimiter="/"
        )
        with self._explained("list the copies"):
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            bodies = [self._client.get_object(Bucket=self.bucket, Key=key)["Body"] for key in keys]
            copies = [Saved.from_json(body.read()) for body in bodies]
        return {(saved.parameter, saved.year): saved for saved in copies}

    @contextmanager
    def reading(self, saved: Saved) -> Iterator[Copy]:
        """Copy the load's tables."""

        def copy(table: str, file: IO[bytes]) -> None:
            with self._explained(f"read {table} of {saved.parameter}, {saved.year}"):
                self._client.download_fileobj(self.bucket, self._key(saved, table), file)

        yield copy

    def save(self, saved: Saved, copy: Copy) -> None:
        """Store a load; it counts from the moment on in which all of it is there."""
        for table in COPIED:
            with tempfile.TemporaryFile() as file:
                copy(table, file)
                file.seek(0)
                with self._explained(f"save {table} of {saved.parameter}, {saved.year}"):
                    self._client.upload_fileobj(file, self.bucket, self._key(saved, table))
        with self._explained(f"save {saved.parameter}, {saved.year}"):
            self._client.put_object(
                Bucket=self.bucket,
                Key=f"{self.prefix}/{saved.parameter}_{saved.year}.json",
                Body=saved.to_json().encode(),
            )

    def _key(self, saved: Saved, table: str) -> str:
        return f"{self.prefix}/{saved.parameter}_{saved.year}/{saved.checksum}/{table}"

    def _explained(self, what: str) -> AbstractContextManager[None]:
        return s3.explained(f"{what} in {self}", "AIRAWARE_BACKUP")


def save(own: DatabaseCopies, bucket: BucketCopies) -> None:
    """Save the zone's loads that the bucket lacks, or has another load of."""
    there = bucket.loads()
    for key, saved in sorted(own.loads().items()):
        if key not in there or there[key].checksum != saved.checksum:
            with own.reading(saved) as copy:
                bucket.save(saved, copy)
            print(f"{saved.source.input_name}: saved in {bucket}", flush=True)


def refill(own: DatabaseCopies, origin: DatabaseCopies | BucketCopies) -> None:
    """Load what the zone lacks and `origin` has; a year that is being loaded is left alone."""
    here = own.loads()
    for key, saved in sorted(origin.loads().items()):
        if key not in here:
            with ZoneLoad(own.zone, Load(*key, attempt=uuid.uuid4().hex[:8])) as zone_load:
                if zone_load.lock(wait=False):
                    _copy_over(zone_load, saved, origin)
                    print(f"{saved.source.input_name}: loaded from {origin}", flush=True)


def _copy_over(zone_load: ZoneLoad, saved: Saved, origin: DatabaseCopies | BucketCopies) -> None:
    zone_load.stage()
    with origin.reading(saved) as copy:
        for table in COPIED:
            with tempfile.TemporaryFile() as file:
                copy(table, file)
                file.seek(0)
                zone_load.copy(table, file)
    zone_load.commit(saved.source, saved.counts, 0, saved.started_at, expected=saved.checksum)


def _origins(config: Settings, own: Zone) -> list[DatabaseCopies | BucketCopies]:
    """Where copies may be had: the other zones, since they are the newest, then the bucket."""
    others = [DatabaseCopies(zone) for zone in config.zones if zone != own]
    return [*others, BucketCopies(config.backup)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Save a zone's loads, or bring them back.")
    parser.add_argument("command", choices=["save", "refill"])
    command = parser.parse_args(arguments).command
    config = settings.read()
    own = next((zone for zone in config.zones if zone.name == config.zone), None)
    if own is None:
        raise AirAwareError(f"AIRAWARE_ZONES lacks this host's zone, '{config.zone}'")
    if command == "save":
        save(DatabaseCopies(own), BucketCopies(config.backup))
        return 0
    status = 1
    for origin in _origins(config, own):
        try:
            refill(DatabaseCopies(own), origin)
            status = 0
        except (AirAwareError, psycopg2.Error) as error:
            # Another zone may be down, or not be there yet: then the next origin has to do.
            print(f"{origin}: {str(error).strip()}", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AirAwareError, psycopg2.Error) as error:
        sys.exit(f"backup: {str(error).strip()}")
