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

import numpy as np
import requests

from airaware.gazetteer import coordinates, outline, places
from airaware.gazetteer.places import City, ZipCode, key
from airaware.sphere import KM_PER_MILE, great_circle_km, unit_vectors
from airaware.web.errors import VisitorError

MAX_LENGTH = 200
OUTSIDE = "This site covers the 50 states, the District of Columbia and Puerto Rico."
KM_PER_DEGREE = 111.2
FAR_FROM_CITY_KM = 30.0  # a ZIP code farther from the city that stands with it belongs to another

# The error of a ZIP code's point in `zipcodes` is 1.5 miles in the median, and this at the 90th
# percentile.
ZIP_P90_KM = 6.4 * KM_PER_MILE
# The Census interpolates along a street's house numbers: 95% within 0.15 km in towns, 0.42 km in
# suburbs, 2.9 km in the country (Cayo and Talbot 2003, Int. J. Health Geographics 2:10).
STREET_KM = 0.42

# (seconds to connect, seconds to answer)
CENSUS_TIMEOUT_SECONDS = (1.0, 2.0)
CENSUS_AT_ONCE = 2  # per worker: most of its threads stay free for other visitors
CENSUS_MAX_LENGTH = 100  # The Census refuses longer addresses.
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
    """The Census geocoder cannot be asked now, or not with this address; the text says why."""


class Geocoder:
    """The chain: coordinates, street (Census, where there is a network), ZIP, city and state."""

    def __init__(self, census_url: str = ""):
        """An empty `census_url` means: never ask the network."""
        self._census = Census(census_url) if census_url else None

    def locate(self, address: str, deadline: float | None = None) -> Place:
        """Return the place of an address; by `deadline` (monotonic) the Census has to answer.

        Raises an AddressError that says what to type instead.
        """
        place = _coordinates(address)
        if place:
            return place
        text = cleaned(address)
        text = _COUNTRY.sub("", text)
        return self._street(text, deadline) if _has_street(text) else _offline(text)

    def _street(self, text: str, deadline: float | None) -> Place:
        why = "Streets cannot be looked up without a network"
        if self._census:
            try:
                points = self._census.ask(text, deadline)
                if points:
                    return _one_of(points, text)
                why = "The Census geocoder does not know this street address"
            except CensusUnavailable as error:
                why = str(error)
        try:
            place = _offline(text)
        except UnknownAddress:
            raise UnknownAddress(
                f"{why}. Add the ZIP code, or type the city and the state alone."
            ) from None
        note = f"{why}: this is the centre of {place.label}. {place.note}".strip()
        return replace(place, note=note)


class Census:
    """The US Census geocoder: asked once per address, twice at a time; passed over if it fails."""

    def __init__(self, url: str):
        self._url = url
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[bytes, float, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(CENSUS_AT_ONCE)
        self._paused_until = 0.0

    def ask(self, text: str, deadline: float | None = None) -> dict[str, tuple[float, float]]:
        """Return latitude and longitude by matching address; none if the Census knows none.

        Raises CensusUnavailable.
        """
        typed = text.casefold().encode()
        digest = hmac.digest(self._key, typed, hashlib.sha256)
        with self._lock:
            known = self._known.get(digest)
        if known:
            return {self._sealed(known[0], typed).decode(): known[1:]}
        points = self._request(text, deadline)
        if len(points) == 1:
            ((label, point),) = points.items()
            with self._lock:
                self._known[digest] = (self._sealed(label.encode(), typed), *point)
                if len(self._known) > CENSUS_CACHE_SIZE:
                    self._known.popitem(last=False)
        return points

    def _sealed(self, label: bytes, typed: bytes) -> bytes:
        """Return a matched address so that only who types the address can read it, or back."""
        pad = hashlib.shake_256(self._key + typed).digest(len(label))
        return bytes(one ^ other for one, other in zip(label, pad, strict=True))

    def _request(self, text: str, deadline: float | None) -> dict[str, tuple[float, float]]:
        if len(text) > CENSUS_MAX_LENGTH:
            raise CensusUnavailable(
                f"The Census geocoder takes at most {CENSUS_MAX_LENGTH} characters"
            )
        connect, read = CENSUS_TIMEOUT_SECONDS
        now = time.monotonic()
        left = read if deadline is None else min(read, deadline - now)
        if now < self._paused_until:
            raise CensusUnavailable("The Census geocoder does not answer at the moment")
        if left <= 0 or not self._free.acquire(blocking=False):
            raise CensusUnavailable("The Census geocoder is busy at the moment")
        try:
            answer = requests.get(
                self._url,
                params={"address": text, "benchmark": "Public_AR_Current", "format": "json"},
                timeout=(min(connect, left), left),
                allow_redirects=False,
            )
            if 400 <= answer.status_code < 500:
                raise CensusUnavailable("The Census geocoder does not accept this address")
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
            # Time that earlier calls of the same request took is not the Census's failure.
            if left == read:
                self._paused_until = time.monotonic() + CENSUS_PAUSE_SECONDS
            # Only the kind: the text of these errors holds the address.
            log.warning("The Census geocoder fails (%s)", type(error).__name__)
            raise CensusUnavailable("The Census geocoder does not answer at the moment") from None
        finally:
            self._free.release()


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
    """Return the point that coordinates name; None where the text is none.

    Raises AmbiguousAddress where they lie outside of the US and another reading inside of it.
    """
    point = coordinates.read(text)
    if point is None:
        return None
    if not _covered(point):
        choices = dict.fromkeys(each.label for each in point.alternatives() if _covered(each))
        if choices:
            raise AmbiguousAddress(
                f"{point.label} is outside the United States. The latitude comes first, and"
                " longitudes there are negative.",
                choices,
            )
        if not point.on_earth:
            raise UnknownAddress(
                "Latitudes go from -90 to 90 and longitudes from -180 to 180: latitude comes first."
            )
        raise OutsideUS(OUTSIDE)
    return Place(
        point.latitude,
        point.longitude,
        point.label,
        "coordinates",
        max(round(KM_PER_DEGREE / 2 * point.unit, 3), 0.001),
        "half a unit of the last digit given",
    )


def _covered(point: coordinates.Coordinates) -> bool:
    return outline.covers(point.latitude, point.longitude)


def _has_street(text: str) -> bool:
    """Whether there is more than a ZIP code, a city and a state."""
    rest = _ZIP.sub("", text).strip(" ,")
    return bool(_HOUSE_NUMBER.match(rest)) or rest.count(",") >= 2


def _one_of(points: dict[str, tuple[float, float]], text: str) -> Place:
    if len(points) > 1:
        raise AmbiguousAddress("Several streets answer to this address.", points)
    ((matched, (latitude, longitude)),) = points.items()
    return Place(
        latitude,
        longitude,
        text,
        "census",
        STREET_KM,
        "interpolated along the street by the US Census: 95% within 0.15 km in towns, 0.42 km in"
        " suburbs, 2.9 km in the country",
        f"The Census geocoder matched {matched}.",
    )


def _offline(text: str) -> Place:
    code = _ZIP.search(text)
    if code:
        place = _zip_place(code[1])
        return replace(place, note=_disagreement(_ZIP.sub("", text).strip(" ,"), code[1], place))
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return _city_place(", ".join(parts[-2:]))


def _disagreement(rest: str, code: str, place: Place) -> str:
    """Return what to say where the text before a ZIP code names a state or city far from it."""
    name, state = _split_state(" ".join(rest.replace(",", " ").split()))
    told = places.load().zip_codes[code]
    if state is None:
        return ""
    words = name.split()
    named = (places.load().cities.get(key(" ".join(words[n:])), []) for n in range(len(words)))
    city = next((each for same in named for each in same if each.state == state), None)
    point = unit_vectors(np.array(place.latitude), np.array(place.longitude))
    if state == told.state and (
        city is None
        or great_circle_km(unit_vectors(np.array(city.latitude), np.array(city.longitude)), point)
        <= FAR_FROM_CITY_KM + (city.spread_km or 0)
    ):
        return ""
    return (
        f"ZIP code {code} is in {told.city}, {told.state}, not in {city.label if city else state}:"
        " this is the ZIP code's place."
    )


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
