"""A zone's loads, saved in the bucket; and back where a zone lacks them.

    python -m airaware.store.backup save      saves the own zone's loads that the bucket lacks
    python -m airaware.store.backup refill    loads what the own zone lacks, and another zone or
                                              the bucket has

In the bucket a load is PARAMETER_YEAR/CHECKSUM/TABLE, one binary COPY stream a table, and
PARAMETER_YEAR.json, which is written last and says what they are. A copy becomes a zone's as any
load does: whole, and only if it has the checksum that it was saved with. Rows that do not add up to
their checksum are not copied. Nor are loads and copies of an earlier release, whose hash of rows
cannot be computed any more (store/rowhash.py): `fab submit-year` renews them.
"""

import argparse
import json
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from airaware import settings, store
from airaware.errors import AirAwareError
from airaware.raw import s3
from airaware.settings import Settings, Zone
from airaware.store import rowhash
from airaware.store.load import TABLES, Counts, Load, Source, ZoneLoad, sweep

# `parent_year` follows from the others.
COPIED = tuple(table for table in TABLES if table != "parent_year")
# What a copy has that was saved before copies named their tables.
OLD_TABLES = ("cell_year", "station", "station_day", "residual")
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
    hash: str = rowhash.OLD_NAME  # a copy saved by an earlier release does not name it
    tables: tuple[str, ...] = OLD_TABLES

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"{self.year} of {self.parameter}"

    @property
    def verifiable(self) -> bool:
        """Whether its checksum can be computed again."""
        return self.hash == rowhash.NAME

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
                "tables": tuple(fields.get("tables", OLD_TABLES)),
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
                " edges, file_date::text, rows_read, excluded, rejected, uncorrected, utc_offsets,"
                " gmt_misfits, newest_change::text, started_at, checksum::text, hash FROM load"
            )
            return {
                (parameter, year): Saved(
                    parameter,
                    year,
                    Source(*fields[:6]),
                    Counts(*fields[6:]),
                    started_at,
                    checksum,
                    hash_name,
                    COPIED,
                )
                for parameter, year, *fields, started_at, checksum, hash_name in cursor
            }

    @contextmanager
    def reading(self, saved: Saved) -> Iterator[Copy]:
        """Copy the load's tables, all of one moment, in which it still is what `saved` says.

        Raises AirAwareError where another load has taken its place, or where it is damaged.
        """
        load = Load(saved.parameter, saved.year, "")
        with closing(store.connect(self.zone)) as connection, connection.cursor() as cursor:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursor.execute(
                "SELECT checksum::text FROM load WHERE parameter = %s AND year = %s",
                (saved.parameter, saved.year),
            )
            if cursor.fetchone() != (saved.checksum,):
                raise AirAwareError(f"{self}: {saved} has changed")
            partitions = {table: sql.Identifier(load.partition(table)) for table in TABLES}
            found = str(sum(rowhash.add_up(cursor, each)[1] for each in partitions.values()))
            if found != saved.checksum:
                raise AirAwareError(
                    f"{self}: {saved} is damaged: its rows add up to {found}, not {saved.checksum}."
                    f" Repair it: fab verify {saved.year} --repair"
                )
            yield lambda table, file: cursor.copy_expert(
                sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(partitions[table]), file
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
        self._client = s3.client()

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


Origin = DatabaseCopies | BucketCopies


def save(own: DatabaseCopies, bucket: BucketCopies) -> bool:
    """Save the zone's loads that the bucket lacks, or has another load of; whether all are fit."""
    there, well = bucket.loads(), True
    for key, saved in sorted(own.loads().items()):
        if key in there and (there[key].hash, there[key].checksum) == (saved.hash, saved.checksum):
            continue
        if not saved.verifiable:
            _say_old(own, saved)
            continue
        try:
            with own.reading(saved) as copy:
                bucket.save(saved, copy)
            print(f"{saved.source.input_name}: saved in {bucket}", flush=True)
        except (AirAwareError, psycopg2.Error) as error:
            print(f"{own}: {str(error).strip()}", file=sys.stderr)
            well = False
    return well


def refill(own: DatabaseCopies, origins: Iterable[Origin]) -> bool:
    """Load what the zone lacks and any origin has, the newest years first; whether one answered.

    A year that is being loaded is left alone.
    """
    here, offered = own.loads(), _offered(origins)
    lacking = {key for _, copies in offered for key in copies} - here.keys()
    for parameter, year in sorted(lacking, key=lambda key: (-key[1], key[0])):
        _bring(own, (parameter, year), offered)
    return bool(offered)


def restore(own: Zone, key: Key, origins: Iterable[Origin]) -> bool:
    """Load a year again from the first origin that has it undamaged; whether any has."""
    return _bring(DatabaseCopies(own), key, _offered(origins))


def _offered(origins: Iterable[Origin]) -> list[tuple[Origin, dict[Key, Saved]]]:
    """Return what each origin that answers has."""
    offered = []
    for origin in origins:
        try:
            offered.append((origin, origin.loads()))
        except (AirAwareError, psycopg2.Error) as error:
            # Another zone may be down, or not be there yet: then the next origin has to do.
            print(f"{origin}: {str(error).strip()}", file=sys.stderr)
    return offered


def _bring(own: DatabaseCopies, key: Key, offered: list[tuple[Origin, dict[Key, Saved]]]) -> bool:
    """Load a year from the first origin whose copy is whole; whether that was possible."""
    for origin, copies in offered:
        saved = copies.get(key)
        if saved is None:
            continue
        if not saved.verifiable:
            _say_old(origin, saved)
            continue
        try:
            with ZoneLoad(own.zone, Load(*key, attempt=uuid.uuid4().hex[:8])) as zone_load:
                if not zone_load.lock(wait=False):
                    print(f"{own}: {saved} is being loaded", flush=True)
                    return False
                _copy_over(zone_load, saved, origin)
            print(f"{saved.source.input_name}: loaded from {origin}", flush=True)
            return True
        except (AirAwareError, psycopg2.Error) as error:
            print(f"{origin}: {str(error).strip()}", file=sys.stderr)
    return False


def _say_old(origin: Origin, saved: Saved) -> None:
    renew = f"fab submit-year {saved.year} --parameter {saved.parameter}"
    print(f"{origin}: {saved} is not verifiable: an earlier release loaded it. Renew it: {renew}")


def _copy_over(zone_load: ZoneLoad, saved: Saved, origin: Origin) -> None:
    zone_load.stage()
    with origin.reading(saved) as copy:
        for piece, table in enumerate(saved.tables):
            with tempfile.TemporaryFile() as file:
                copy(table, file)
                file.seek(0)
                zone_load.copy(piece, table, file)
    pieces = len(saved.tables)
    zone_load.commit(saved.source, saved.counts, pieces, saved.started_at, expected=saved.checksum)


def origins(config: Settings, own: Zone) -> list[Origin]:
    """Return where copies may be had: other zones, since they are the newest, then the bucket."""
    others: list[Origin] = [DatabaseCopies(zone) for zone in config.zones if zone.name != own.name]
    return [*others, BucketCopies(config.backup)] if config.backup else others


def own_zone(config: Settings) -> Zone:
    """Return this host's zone. Raises AirAwareError where AIRAWARE_ZONES lacks it."""
    for zone in config.zones:
        if zone.name == config.zone:
            return zone
    raise AirAwareError(f"AIRAWARE_ZONES lacks this host's zone, '{config.zone}'")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Save a zone's loads, or bring them back.")
    parser.add_argument("command", choices=["save", "refill"])
    command = parser.parse_args(arguments).command
    config = settings.read()
    own = own_zone(config)
    if command == "save":
        well = save(DatabaseCopies(own), BucketCopies(config.backup))
    else:
        sweep(own)
        well = refill(DatabaseCopies(own), origins(config, own))
    return 0 if well else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AirAwareError, psycopg2.Error) as error:
        sys.exit(f"backup: {str(error).strip()}")
