"""Damage: add the rows of each load up again, and see whether they are what was loaded.

    python -m airaware.store.verify                  every load of the own zone
    python -m airaware.store.verify 2013,2015-2017   those of some years
    python -m airaware.store.verify --repair         and load what is damaged from another zone, or
                                                     else from the bucket

Prints what is wrong, zone, year and pollutant; the exit status is 3 where anything is.
"""

import argparse
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

import psycopg2
from psycopg2 import extensions, sql

from airaware import settings, store
from airaware.errors import AirAwareError
from airaware.science import spans
from airaware.settings import Settings, Zone
from airaware.store import backup, load, manifest, rowhash
from airaware.store.load import TABLES, Load
from airaware.store.manifest import Loaded

# 4 MB are read at once; then the disk and the CPU are the readers' for nine times as long.
PAGES = 512
REST = 9.0
RENEW = "fab submit-year {year} --parameter {parameter}"


@dataclass(frozen=True)
class Verified:
    """A load of a zone, and what its rows add up to now; None where it cannot be compared."""

    zone: str
    load: Loaded
    found: Decimal | None

    @property
    def damaged(self) -> bool:
        """Whether the rows are not those that were loaded."""
        return self.found is not None and self.found != self.load.checksum

    def __str__(self) -> str:
        """Return a sentence that describes it."""
        name = f"zone {self.zone}: {self.load.year} of {self.load.parameter}"
        if not self.load.verifiable:
            renew = RENEW.format(year=self.load.year, parameter=self.load.parameter)
            return f"{name} is not verifiable: an earlier release loaded it. Renew it: {renew}"
        if self.damaged:
            return f"{name} is damaged: its rows add up to {self.found}, not {self.load.checksum}"
        return f"{name} is sound" if self.found is not None else f"{name} was loaded anew meanwhile"


def verify(
    zone: Zone, years: Collection[int] = (), sleep: Callable[[float], object] = time.sleep
) -> Iterator[Verified]:
    """Add up and record each load of a zone, or those of some years; the newest first.

    Raises AirAwareError where the zone's database cannot be reached, or was never migrated.
    """
    for each in sorted(manifest.loads(zone), key=lambda found: -found.year):
        if not years or each.year in years:
            yield Verified(zone.name, each, _verified(zone, each, sleep))


def _verified(zone: Zone, each: Loaded, sleep: Callable[[float], object]) -> Decimal | None:
    """Return and record a load's sum; None where it has no comparable one, or was replaced."""
    if not each.verifiable:
        return None
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        connection.autocommit = True  # no lock is kept that a swap would wait for
        found = sum(
            (_sum(cursor, Load(each.parameter, each.year, "").partition(name), sleep)
             for name in TABLES),
            Decimal(0),
        )  # fmt: skip
        cursor.execute(
            "UPDATE load SET verified_at = now(), found_checksum = %s"
            " WHERE parameter = %s AND year = %s AND committed_at = %s",
            (found, each.parameter, each.year, each.committed_at),
        )
        return found if cursor.rowcount else None


def _sum(cursor: extensions.cursor, partition: str, sleep: Callable[[float], object]) -> Decimal:
    """Return what a partition's rows add up to, read piece by piece; 0 where it is not there."""
    cursor.execute(
        "SELECT pg_relation_size(to_regclass(%s)) / current_setting('block_size')::int",
        (partition,),
    )
    (pages,) = cursor.fetchone()
    total = Decimal(0)
    for first in range(0, pages or 0, PAGES):
        began = time.monotonic()
        try:
            cursor.execute(
                sql.SQL(
                    f"SELECT {rowhash.SUM} FROM {{}} t WHERE ctid >= %s AND ctid < %s"  # noqa: S608
                ).format(sql.Identifier(partition)),
                (f"({first},0)", f"({first + PAGES},0)"),
            )
        except psycopg2.errors.UndefinedTable:
            return total  # dropped meanwhile
        total += cursor.fetchone()[0]
        sleep(REST * (time.monotonic() - began))
    return total


def differences(zones: Iterable[Zone], years: Collection[int] = ()) -> Iterator[str]:
    """Say which loads the zones do not have in common, as their manifests say; one line each."""
    held: dict[str, dict[backup.Key, Loaded]] = {}
    for zone in zones:
        try:
            held[zone.name] = {(each.parameter, each.year): each for each in manifest.loads(zone)}
        except AirAwareError as error:
            yield str(error).strip()
    for parameter, year in sorted({key for loads in held.values() for key in loads}):
        if years and year not in years:
            continue
        copies = {zone: loads.get((parameter, year)) for zone, loads in held.items()}
        lacking = [zone for zone, copy in copies.items() if copy is None]
        there = [copy for copy in copies.values() if copy]
        if lacking:
            yield f"zone {' and '.join(lacking)} lacks {year} of {parameter}: a refill brings it"
        elif all(copy.verifiable for copy in there) and len({copy.checksum for copy in there}) > 1:
            again = RENEW.format(year=year, parameter=parameter)
            yield f"the zones hold different {year} of {parameter}: {again} --again"


def run(config: Settings, own: Zone, years: Collection[int], repair: bool) -> bool:
    """Verify a zone, say what is wrong, and repair it; whether all is well in the end."""
    load.sweep(own)
    well = True
    for found in verify(own, years):
        print(found, flush=True)
        if found.damaged:
            key = (found.load.parameter, found.load.year)
            well &= repair and backup.restore(own, key, backup.origins(config, own))
    for line in differences(config.zones, years):
        print(line, flush=True)
        well = False
    return well


def arguments(years: str, repair: bool) -> list[str]:
    """Return the arguments of Python that run this module; `years` may be empty."""
    return [
        *("-m", "airaware.store.verify"),
        *([years] if years else []),
        *(["--repair"] if repair else []),
    ]


def main(words: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Find damaged loads of this host's zone.")
    parser.add_argument("years", nargs="?", default="", help="as 2013,2015-2017 (all)")
    parser.add_argument("--repair", action="store_true", help="load what is damaged again")
    given = parser.parse_args(words)
    config = settings.read()
    years = spans.years(given.years) if given.years else []
    return 0 if run(config, backup.own_zone(config), years, given.repair) else 3


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AirAwareError, psycopg2.Error) as error:
        sys.exit(f"verify: {str(error).strip()}")
