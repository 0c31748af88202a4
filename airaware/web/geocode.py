"""From what a person types to a point: coordinates, street, ZIP code, or city and state.

An address is personal. It is never logged nor put into a metric, and the cache of the Census
geocoder's answers holds a hash under a key of this process, and coordinates.
"""

import hashlib
import hmac
import logging
import re
import secrets
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import requests

from airaware.gazetteer import places
from airaware.gazetteer.places import City, ZipCode, key
from airaware.sphere import KM_PER_MILE
from airaware.web.errors import VisitorError

MAX_LENGTH = 200
KM_PER_DEGREE = 111.2

# The error of a ZIP code's point in `zipcodes` is 1.5 miles in the median, and this at the 90th
# percentile.
ZIP_P90_KM = 6.4 * KM_PER_MILE
# The Census interpolates along a street's house numbers: 95% within 0.15 km in towns, 0.42 km in
# suburbs, 2.9 km in the country (Cayo and Talbot 2003, Int. J. Health Geographics 2:10).
STREET_KM = 0.42

# (seconds to connect, seconds to answer)
CENSUS_TIMEOUT_SECONDS = (1.0, 2.0)
CENSUS_PAUSE_SECONDS = 30.0
CENSUS_CACHE_SIZE = 4096
MAX_CHOICES = 40

# US postal codes that lie outside the site's promise, as `zipcodes` spells their states.
OUTSIDE_STATES = {
    "AS": "American Samoa",
    "FM": "Micronesia",
    "GU": "Guam",
    "MH": "the Marshall Islands",
    "MP": "the Northern Mariana Islands",
    "PW": "Palau",
    "VI": "the US Virgin Islands",
    "AA": "the armed forces overseas",
    "AE": "the armed forces overseas",
    "AP": "the armed forces overseas",
}

_DEGREES = r"([+-]?[0-9]{1,3}(?:\.[0-9]{0,12})?)\s*°?\s*"
_COORDINATES = re.compile(rf"{_DEGREES}([NS]?)\s*[,;\s]\s*{_DEGREES}([EW]?)", re.IGNORECASE)
_ZIP = re.compile(r"(?:^|[\s,])([0-9]{5})(?:-?[0-9]{4})?$")
_COUNTRY = re.compile(r"[\s,]+(?:U\.?S\.?A?\.?|United States(?: of America)?)$", re.IGNORECASE)
_HOUSE_NUMBER = re.compile(r"[0-9]+\S*\s+\S*[^\W\d]")

log = logging.getLogger(__name__)
# Its lower levels write the addresses of requests, WARNING where an answer's headers are odd.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Place:
    """A point (degrees), what it is called, how it was found, and how exact that is.

    Most addresses that are found this way lie within `precision_km` of the point; `precision` says
    where the figure comes from, `note` what was left aside.
    """

    latitude: float
    longitude: float
    label: str
    method: str  # coordinates, census, zip or city
    precision_km: float
    precision: str
    note: str = ""


class AddressError(VisitorError):
    """An address that leads to no single point in the US."""


class EmptyAddress(AddressError):
    """Nothing was typed."""

    kind = "empty-address"
    title = "Type an address first"


class TooLongAddress(AddressError):
    """More text than an address has."""

    kind = "address-too-long"
    title = "That is too long for an address"


class UnknownAddress(AddressError):
    """No place was found."""

    status = 404
    kind = "unknown-address"
    title = "We do not know that place"


class OutsideUS(AddressError):
    """A place beyond the 50 states, DC and Puerto Rico."""

    status = 422
    kind = "outside-the-us"
    title = "That place is outside the United States"


class AmbiguousAddress(AddressError):
    """Several places answer to the text: `choices` are addresses to ask again with."""

    status = 409
    kind = "ambiguous-address"
    title = "Which one do you mean?"

    def __init__(self, message: str, choices: Iterable[str]):
        super().__init__(message)
        self.choices = list(choices)[:MAX_CHOICES]

    def extra(self) -> dict[str, object]:
        return {"choices": self.choices}


class CensusUnavailable(Exception):
    """The Census geocoder cannot be asked now."""


class Geocoder:
    """The chain: coordinates, street (Census, where there is a network), ZIP, city and state."""

    def __init__(self, census_url: str = ""):
        """An empty `census_url` means: never ask the network."""
        self._census = Census(census_url) if census_url else None

    def locate(self, address: str) -> Place:
        """The place of an address. Raises an AddressError that says what to type instead."""
        text = cleaned(address)
        place = _coordinates(text)
        if place:
            return place
        text = _COUNTRY.sub("", text)
        return self._street(text) if _has_street(text) else _offline(text)

    def _street(self, text: str) -> Place:
        why = "Streets cannot be looked up without a network"
        if self._census:
            try:
                points = self._census.ask(text)
                if points:
                    return _one_of(points, text)
                why = "The Census geocoder does not know this street address"
            except CensusUnavailable:
                why = "The Census geocoder does not answer at the moment"
        try:
            place = _offline(text)
        except UnknownAddress:
            raise UnknownAddress(
                f"{why}. Add the ZIP code, or type the city and the state alone."
            ) from None
        return replace(place, note=f"{why}: this is the centre of {place.label}.")


class Census:
    """The US Census geocoder, asked at most once per address; passed over a while if it fails."""

    def __init__(self, url: str):
        self._url = url
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def ask(self, text: str) -> dict[str, tuple[float, float]]:
        """Latitude and longitude by matching address; none if the Census knows no such street.

        Raises CensusUnavailable.
        """
        digest = hmac.digest(self._key, text.casefold().encode(), hashlib.sha256)
        with self._lock:
            known = self._known.get(digest)
        if known:
            return {text: known}
        if time.monotonic() < self._paused_until:
            raise CensusUnavailable
        points = self._request(text)
        if len(points) == 1:
            with self._lock:
                self._known[digest] = next(iter(points.values()))
                if len(self._known) > CENSUS_CACHE_SIZE:
                    self._known.popitem(last=False)
        return points

    def _request(self, text: str) -> dict[str, tuple[float, float]]:
        try:
            answer = requests.get(
                self._url,
                params={"address": text, "benchmark": "Public_AR_Current", "format": "json"},
                timeout=CENSUS_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            return {
                str(match["matchedAddress"]): (
                    float(match["coordinates"]["y"]),
                    float(match["coordinates"]["x"]),
                )
                for match in answer.json()["result"]["addressMatches"]
            }
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            self._paused_until = time.monotonic() + CENSUS_PAUSE_SECONDS
            # Only the kind: the text of these errors holds the address.
            log.warning("The Census geocoder fails (%s)", type(error).__name__)
            raise CensusUnavailable from None


def cleaned(address: str) -> str:
    """The text without control characters and superfluous blanks, in Unicode's common form.

    Raises EmptyAddress and TooLongAddress.
    """
    if len(address) > MAX_LENGTH:
        raise TooLongAddress(
            f"An address has at most {MAX_LENGTH} characters; this has {len(address):,}."
        )
    text = unicodedata.normalize("NFKC", address).replace("\N{MINUS SIGN}", "-")
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    text = " ".join(text.split()).strip(" ,;")
    if not text:
        raise EmptyAddress("Type a street address, a ZIP code, a city and state, or coordinates.")
    return text


def _coordinates(text: str) -> Place | None:
    match = _COORDINATES.fullmatch(text)
    if not match:
        return None
    north, south, east, west = match.groups()
    latitude = float(north) * (-1 if south.upper() == "S" else 1)
    longitude = float(east) * (-1 if west.upper() == "W" else 1)
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise UnknownAddress(
            "Latitudes go from -90 to 90 and longitudes from -180 to 180: latitude comes first."
        )
    decimals = min(len(part.partition(".")[2]) for part in (north, east))
    return Place(
        latitude,
        longitude,
        f"{latitude:g}, {longitude:g}" if decimals < 5 else f"{latitude:.5f}, {longitude:.5f}",
        "coordinates",
        round(KM_PER_DEGREE / 2 / 10**decimals, 3),
        "half a unit of the last decimal given",
    )


def _has_street(text: str) -> bool:
    """Whether there is more than a ZIP code, a city and a state."""
    rest = _ZIP.sub("", text).strip(" ,")
    return bool(_HOUSE_NUMBER.match(rest)) or rest.count(",") >= 2


def _one_of(points: dict[str, tuple[float, float]], text: str) -> Place:
    if len(points) > 1:
        raise AmbiguousAddress("Several streets answer to this address.", points)
    latitude, longitude = next(iter(points.values()))
    return Place(
        latitude,
        longitude,
        text,
        "census",
        STREET_KM,
        "interpolated along the street by the US Census: 95% within 0.15 km in towns, 0.42 km in"
        " suburbs, 2.9 km in the country",
    )


def _offline(text: str) -> Place:
    code = _ZIP.search(text)
    if code:
        return _zip_place(code[1])
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return _city_place(", ".join(parts[-2:]))


def covered_zip_codes() -> dict[str, ZipCode]:
    """The ZIP codes of the states that the site covers, but those without a known point."""
    return {
        code: told
        for code, told in places.load().zip_codes.items()
        if told.state not in OUTSIDE_STATES and told.latitude and told.longitude
    }


def _zip_place(code: str) -> Place:
    found = places.load().zip_codes.get(code)
    if found is None:
        raise UnknownAddress(f"There is no ZIP code {code}. Type the city and the state instead.")
    city, state, latitude, longitude = found
    if state in OUTSIDE_STATES:
        raise OutsideUS(
            f"ZIP code {code} belongs to {OUTSIDE_STATES[state]}. This site covers the"
            " 50 states, the District of Columbia and Puerto Rico."
        )
    if not (latitude and longitude):  # A few have no coordinates.
        return _city_place(f"{city}, {state}")
    return Place(
        latitude,
        longitude,
        f"{city}, {state} {code}",
        "zip",
        round(ZIP_P90_KM, 1),
        "the ZIP code's centre: off by 1.5 miles (2.4 km) in the median, by less than 6.4 miles"
        " (10.3 km) in nine of ten",
    )


def _city_place(text: str) -> Place:
    name, state = _split_state(text)
    cities = places.load().cities.get(key(name), []) if name else []
    if state:
        cities = [city for city in cities if city.state == state]
    elif key(text) in places.load().states:
        raise _state_alone(text, cities)
    if not cities:
        raise UnknownAddress(
            "We found no such city. Check the spelling, or type the ZIP code instead."
        )
    if len(cities) > 1:
        raise AmbiguousAddress(
            f"There is more than one {cities[0].name} in the United States.",
            [city.label for city in cities],
        )
    city = cities[0]
    return Place(
        city.latitude,
        city.longitude,
        city.label,
        "city",
        *_precision(city),
    )


def _precision(city: City) -> tuple[float, str]:
    if city.spread_km is None:
        return round(ZIP_P90_KM, 1), "the town's centre, taken to be as exact as a ZIP code's"
    return (
        round(city.spread_km, 1),
        "the city's centre: nine in ten of its ZIP codes lie within this distance",
    )


def _state_alone(text: str, cities: list[City]) -> AddressError:
    if cities:
        return AmbiguousAddress(
            f"{text} is a state; there are cities of that name as well.",
            [city.label for city in cities],
        )
    return UnknownAddress(f"{text} is a state. Name a city in it too, as in “Springfield, IL”.")


def _split_state(text: str) -> tuple[str, str | None]:
    """City and state's code of "city, state" or "city state"; (text, None) without a state."""
    name, comma, state = text.rpartition(",")
    if comma:
        code = places.load().states.get(key(state))
        return (name, code) if code else (text, None)
    words = text.split()
    for length in (3, 2, 1):  # "District of Columbia" first, then "West Virginia", then "Virginia"
        code = places.load().states.get(key(" ".join(words[-length:])))
        if code and len(words) > length:
            return " ".join(words[:-length]), code
    return text, None
