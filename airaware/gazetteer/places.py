"""The gazetteer: US states, ZIP codes, cities and areas, their names, and where they are.

It is data of the package (`data/places.json.gz`), which `airaware.gazetteer.build` makes.
"""

import gc
import gzip
import math
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from airaware.science.sphere import EARTH_RADIUS_KM

# Abbreviations in names, written out: the Postal Service's (Publication 28), and people's own.
WRITTEN_OUT = {
    "bch": "beach",
    "boro": "borough",
    "cr": "creek",
    "crk": "creek",
    "ctr": "center",
    "centre": "center",
    "cty": "city",
    "e": "east",
    "fls": "falls",
    "frst": "forest",
    "ft": "fort",
    "gdns": "gardens",
    "grv": "grove",
    "hbr": "harbor",
    "hls": "hills",
    "hts": "heights",
    "intl": "international",
    "is": "island",
    "isl": "island",
    "jct": "junction",
    "lk": "lake",
    "lks": "lakes",
    "mdws": "meadows",
    "mt": "mount",
    "mtn": "mountain",
    "n": "north",
    "no": "north",
    "pt": "point",
    "s": "south",
    "so": "south",
    "spg": "spring",
    "spgs": "springs",
    "st": "saint",
    "sta": "station",
    "ste": "sainte",
    "twp": "township",
    "vlg": "village",
    "vly": "valley",
    "w": "west",
}
DASHES = "[\N{HYPHEN}-\N{HORIZONTAL BAR}]"
LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"})
FILE = Path(__file__).parents[1] / "data" / "places.json.gz"

# US postal codes of states that the site does not cover, as `zipcodes` spells them.
OUTSIDE_STATES = {
    "AS": "American Samoa",
    "FM": "Micronesia",
    "GU": "Guam",
    "MH": "the Marshall Islands",
    "MP": "the Northern Mariana Islands",
    "PW": "Palau",
    "UM": "the US Minor Outlying Islands",
    "VI": "the US Virgin Islands",
    "AA": "the armed forces overseas",
    "AE": "the armed forces overseas",
    "AP": "the armed forces overseas",
}


class ZipCode(NamedTuple):
    """A ZIP code's city and state, and its point (degrees; 0: unknown, or not in the US).

    Nine in ten of its addresses lie within `precision_km`. A post office is a ZIP code without an
    area (PO boxes, a single building): it has its city's point and spread.
    """

    city: str
    state: str
    latitude: float
    longitude: float
    precision_km: float
    post_office: bool


class City(NamedTuple):
    """A city, town, neighbourhood, county or island as a place to look up."""

    name: str
    state: str
    latitude: float
    longitude: float
    population: int
    spread_km: float  # nine in ten of its addresses lie this near
    county: str  # where another place of the state has the same name; else ""

    @property
    def label(self) -> str:
        """Return the name to ask again with: "Chicago, IL", "Chatham, Cook County, IL"."""
        return ", ".join(filter(None, (self.name, self.county, self.state)))


class Gazetteer(NamedTuple):
    """All that is known; a server reads it once, before it forks."""

    states: dict[str, str]  # codes by name (see `key`); the 50 states, DC, Puerto Rico
    zip_codes: dict[str, ZipCode]
    cities: dict[str, list[City]]  # by name (see `key`), the most populous first
    areas: dict[str, list[City]]  # nicknames, counties, islands and neighbourhoods, likewise
    abroad: dict[str, str]  # countries and territories by what ends an address
    cities_abroad: dict[str, tuple[str, int]]  # country and people by name (see `key`)


def key(name: str) -> str:
    """Return a spelling to compare by: no accents, no punctuation, no abbreviations."""
    plain = name.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain.translate(LETTERS))
        # The ʻokina is a letter of its own, and people leave it out.
        plain = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Lm"))
    words = re.sub(r"[^\w\s-]", "", re.sub(DASHES, "-", plain)).replace("-", " ").split()
    return " ".join(WRITTEN_OUT.get(word, word) for word in words)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two points (latitude and longitude in degrees)."""
    (lat, lon), (lat2, lon2) = (map(math.radians, point) for point in (one, other))
    chord = (
        math.sin((lat2 - lat) / 2) ** 2
        + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


@lru_cache(maxsize=1)
def load() -> Gazetteer:
    """Return the package's gazetteer."""
    collects = gc.isenabled()
    gc.disable()  # It would look through the growing tables again and again: half of the time.
    try:
        return _load()
    finally:
        if collects:
            gc.enable()


def covered_zip_codes() -> dict[str, ZipCode]:
    """Return the ZIP codes of the states that the site covers, but those without a point."""
    return {
        code: zip_code
        for code, zip_code in load().zip_codes.items()
        if zip_code.state not in OUTSIDE_STATES and zip_code.latitude and zip_code.longitude
    }


def _load() -> Gazetteer:
    tables = orjson.loads(gzip.decompress(FILE.read_bytes()))
    states, zip_codes, cities, areas, abroad, cities_abroad = tables
    return Gazetteer(
        states,
        {code: ZipCode._make(row) for code, row in zip_codes.items()},
        _cities(cities),
        _cities(areas),
        abroad,
        {name: (country, people) for name, (country, people) in cities_abroad.items()},
    )


def _cities(table: dict[str, list[list[Any]]]) -> dict[str, list[City]]:
    return {name: [City._make(row) for row in same] for name, same in table.items()}
