"""From what a person types to a point: coordinates, street, ZIP code, or city and state.

An address is personal. It is never logged nor put into a metric, and the cache of the Census
geocoder's answers holds a hash under a key of this process, and coordinates.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import socket
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

import requests
from requests.adapters import HTTPAdapter

from airaware.gazetteer import coordinates, outline, places, plus_codes, reading, results
from airaware.web import telemetry
from airaware.web.errors import VisitorError

MAX_LENGTH = 200
KM_PER_DEGREE = 111.2
# The Census interpolates along a street's house numbers: 95% within 0.15 km in towns, 0.42 km in
# suburbs, 2.9 km in the country (Cayo and Talbot 2003, Int. J. Health Geographics 2:10).
STREET_KM = 0.42

# (seconds to connect, seconds to answer)
CENSUS_TIMEOUT_SECONDS = (1.0, 2.0)
CENSUS_AT_ONCE = 2  # per worker: most of its threads stay free for other visitors
CENSUS_MOST_BYTES = 1_000_000
SLACK_SECONDS = 0.1  # what a request takes before it asks the Census
CENSUS_MAX_LENGTH = 100  # The Census refuses longer addresses.
CENSUS_PAUSE_SECONDS = 30.0
CENSUS_CACHE_SIZE = 4096
MAX_CHOICES = 40

Point = tuple[float, float]

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
    """An address that leads to no single point in the US; `choices` are ones to try instead."""

    def __init__(self, message: str, choices: Iterable[str] = ()) -> None:
        """Keep the first MAX_CHOICES of the choices."""
        super().__init__(message)
        self.choices = list(choices)[:MAX_CHOICES]

    def extra(self) -> dict[str, object]:
        """Return the choices, where there are any."""
        return {"choices": self.choices} if self.choices else {}


class EmptyAddressError(AddressError):
    """Nothing was typed."""

    kind = "empty-address"
    title = "Type an address first"
    meaning = "`address` is missing or blank."


class TooLongAddressError(AddressError):
    """More text than an address has."""

    kind = "address-too-long"
    title = "That is too long for an address"
    meaning = f"An address has at most {MAX_LENGTH} characters."


class UnknownAddressError(AddressError):
    """No place was found; `choices` are addresses that were perhaps meant."""

    status = 404
    kind = "unknown-address"
    title = "We do not know that place"
    meaning = (
        "No place answers to the address. `choices`, where there are any, are places with nearly"
        " the same name."
    )


class OutsideUSError(AddressError):
    """A place beyond the 50 states, DC and Puerto Rico; `choices` are those of its name within."""

    status = 422
    kind = "outside-the-us"
    title = "That place is outside the United States"
    meaning = (
        "AirAware covers the 50 states, the District of Columbia and Puerto Rico. `choices`, where"
        " there are any, are places of that name within."
    )


class AmbiguousAddressError(AddressError):
    """Several places answer to the text: `choices` are addresses to ask again with."""

    status = 409
    kind = "ambiguous-address"
    title = "Which one do you mean?"
    meaning = "Several places answer to the address. Ask again with one of `choices`."


class CensusUnavailableError(Exception):
    """The Census geocoder cannot be asked now, or not with this address; the text says why."""


class Geocoder:
    """The chain: coordinates, street (Census, where there is a network), ZIP, city and state."""

    def __init__(self, census_url: str = "") -> None:
        """Ask the Census at an address; with an empty one, never ask the network."""
        self._census = Census(census_url) if census_url else None

    def locate(self, address: str, deadline: float | None = None) -> Place:
        """Return the place of an address; by `deadline` (monotonic) the Census has to answer.

        Raises an AddressError that says what to type instead.
        """
        if address in places.load().zip_codes:  # as most are, and nothing else to read into it
            return _of_reading(reading.of_zip(address))
        place = _coordinates(address)
        if place:
            return place
        text = cleaned(address)
        code = plus_codes.find(text)
        if code:
            return _of_plus_code(code)
        if reading.has_street(text):
            return self._street(text, deadline)
        return _offline(text)

    def _street(self, text: str, deadline: float | None) -> Place:
        why = "Streets cannot be looked up without a network"
        if self._census:
            try:
                points = self._census.ask(text, deadline)
                if points:
                    return _one_of(points, text)
                why = "The Census geocoder does not know this street address"
            except CensusUnavailableError as error:
                why = str(error)
        try:
            place = _offline(text)
        except UnknownAddressError as error:
            raise UnknownAddressError(
                f"{why}. Add the ZIP code, or type the city and the state alone.", error.choices
            ) from None
        return replace(place, note=f"{why}: this is the centre of {place.label}.")


class _Cuttable(HTTPAdapter):
    """Connections that another thread can cut.

    The timeouts of `requests` are for each read, so a server that drips headers could hold one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sockets: list[socket.socket] = []
        self._cut = False

    def get_connection_with_tls_context(self, *arguments: Any, **more: Any) -> Any:
        """Return the pool, whose connections note their sockets once they are connected."""
        pool = super().get_connection_with_tls_context(*arguments, **more)
        adapter = self

        class Noted(pool.ConnectionCls):  # type: ignore[name-defined,misc]
            def connect(self) -> None:
                super().connect()
                adapter._sockets.append(self.sock)
                if adapter._cut:
                    adapter.cut()

        pool.ConnectionCls = Noted
        return pool

    def cut(self) -> None:
        """End the exchange: whoever reads from it gets an error."""
        self._cut = True
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Census:
    """The US Census geocoder: asked once per address, twice at a time; passed over if it fails."""

    def __init__(self, url: str) -> None:
        """Remember no address yet."""
        self._url = url
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[bytes, float, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(CENSUS_AT_ONCE)
        self._paused_until = 0.0

    def ask(self, text: str, deadline: float | None = None) -> dict[str, Point]:
        """Return latitude and longitude by matching address; none if the Census knows none.

        Raises CensusUnavailableError.
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

    def _request(self, text: str, deadline: float | None) -> dict[str, Point]:
        if len(text) > CENSUS_MAX_LENGTH:
            raise CensusUnavailableError(
                f"The Census geocoder takes at most {CENSUS_MAX_LENGTH} characters"
            )
        whole = sum(CENSUS_TIMEOUT_SECONDS)
        now = time.monotonic()
        left = whole if deadline is None else min(whole, deadline - now)
        if now < self._paused_until:
            raise CensusUnavailableError("The Census geocoder does not answer at the moment")
        if left <= 0 or not self._free.acquire(blocking=False):
            raise CensusUnavailableError("The Census geocoder is busy at the moment")
        answer: Future[dict[str, Point]] = Future()
        adapter = _Cuttable()
        # A thread of its own, so that the visitor waits no longer than this.
        threading.Thread(target=self._ask, args=(text, left, adapter, answer), daemon=True).start()
        try:
            return answer.result(left)
        except (requests.RequestException, OSError, ValueError, KeyError, TypeError) as error:
            # Time that earlier calls of the same request took is not the Census's failure.
            if left >= whole - SLACK_SECONDS:
                self._paused_until = time.monotonic() + CENSUS_PAUSE_SECONDS
            telemetry.CENSUS_FAILURES.inc()
            # Only the kind: the text of these errors holds the address.
            log.warning("The Census geocoder fails (%s)", type(error).__name__)
            raise CensusUnavailableError(
                "The Census geocoder does not answer at the moment"
            ) from None
        finally:
            adapter.cut()

    def _ask(
        self, text: str, seconds: float, adapter: _Cuttable, answer: Future[dict[str, Point]]
    ) -> None:
        """Put the matches, or what failed, into `answer`; then another may ask."""
        try:
            answer.set_result(self._matches(text, seconds, adapter))
        except Exception as error:  # for the one who waits
            answer.set_exception(error)
        finally:
            self._free.release()

    def _matches(self, text: str, seconds: float, adapter: _Cuttable) -> dict[str, Point]:
        connect, read = CENSUS_TIMEOUT_SECONDS
        with requests.Session() as session:
            session.mount(self._url, adapter)
            answer = session.get(
                self._url,
                params={"address": text, "benchmark": "Public_AR_Current", "format": "json"},
                timeout=(min(connect, seconds), min(read, seconds)),
                allow_redirects=False,
                stream=True,
            )
            if 400 <= answer.status_code < 500:
                raise CensusUnavailableError("The Census geocoder does not accept this address")
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            body = b""
            while piece := answer.raw.read1(CENSUS_MOST_BYTES, decode_content=True):
                body += piece
                if len(body) > CENSUS_MOST_BYTES:
                    raise ValueError("too long")
        return {
            str(match["matchedAddress"]): (
                float(match["coordinates"]["y"]),
                float(match["coordinates"]["x"]),
            )
            for match in json.loads(body)["result"]["addressMatches"]
        }


def cleaned(address: str) -> str:
    """Return the text without control characters and superfluous blanks, in Unicode's NFKC.

    Raises EmptyAddressError and TooLongAddressError.
    """
    if len(address) > MAX_LENGTH:
        raise TooLongAddressError(
            f"An address has at most {MAX_LENGTH} characters; this has {len(address):,}."
        )
    if re.search("%[0-9a-f]{2}", address, re.IGNORECASE):
        address = unquote_plus(address)
    text = unicodedata.normalize("NFKC", address).replace("\N{MINUS SIGN}", "-")
    text = " ".join("".join(map(_usual, text)).split()).strip(" ,;")
    if not text:
        raise EmptyAddressError(
            "Type a street address, a ZIP code, a city and state, or coordinates."
        )
    return text


def _usual(character: str) -> str:
    """Return a character as it is usually typed: no control characters, digits of our own."""
    category = unicodedata.category(character)
    if category == "Cf":  # a soft hyphen, a joiner: within words, and not seen
        return ""
    if category[0] in "CZ":
        return " "
    return str(unicodedata.decimal(character)) if category == "Nd" else character


def _coordinates(text: str) -> Place | None:
    """Return the point that coordinates name; None where the text is none.

    Raises AmbiguousAddressError where they lie outside of the US and another reading inside of it.
    """
    point = coordinates.read(text)
    if point is None:
        return None
    if not _covered(point):
        choices = dict.fromkeys(each.label for each in point.alternatives() if _covered(each))
        if choices:
            raise AmbiguousAddressError(
                f"{point.label} is outside the United States. The latitude comes first, and"
                " longitudes there are negative.",
                choices,
            )
        if not point.on_earth:
            raise UnknownAddressError(
                "Latitudes go from -90 to 90 and longitudes from -180 to 180: latitude comes first."
            )
        raise OutsideUSError(results.COVERED)
    return _of_area(
        point.latitude,
        point.longitude,
        point.label,
        point.unit,
        "half a unit of the last digit given",
    )


def _of_area(
    latitude: float, longitude: float, label: str, degrees: float, precision: str
) -> Place:
    """Return the middle of an area whose longer side is `degrees`; it is exact to half of that."""
    km = max(round(KM_PER_DEGREE / 2 * degrees, 3), 0.001)
    return Place(latitude, longitude, label, "coordinates", km, precision)


def _covered(point: coordinates.Coordinates) -> bool:
    return outline.covers(point.latitude, point.longitude)


def _of_plus_code(code: plus_codes.PlusCode) -> Place:
    """Return the middle of a code's area; a short code is read near the place beside it."""
    if code.short:
        if not code.around:
            raise UnknownAddressError(
                f"{code.text} is the end of a plus code. Add the city, as in"
                f" “{code.text} Chicago, IL”."
            )
        try:
            place = _offline(code.around)
        except AddressError as error:
            choices = [code._replace(around=choice) for choice in error.choices]
            error.choices = [f"{each.text} {each.around}" for each in choices if _is_inside(each)]
            raise
        code = code.near(place.latitude, place.longitude)
    area = code.area()
    if not outline.covers(area.latitude, area.longitude):
        raise OutsideUSError(results.COVERED)
    return _of_area(
        area.latitude,
        area.longitude,
        code.text,
        area.degrees,
        "half the side of the plus code's area",
    )


def _is_inside(code: plus_codes.PlusCode) -> bool:
    with suppress(AddressError):
        return bool(_of_plus_code(code))
    return False


def _one_of(points: dict[str, Point], text: str) -> Place:
    if len(points) > 1:
        raise AmbiguousAddressError("Several streets answer to this address.", points)
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
    """Return the place that the gazetteer knows. Raises an AddressError."""
    return _of_reading(reading.read(text))


def _of_reading(found: results.Reading) -> Place:
    """Return the place that was read. Raises an AddressError."""
    if isinstance(found, results.Offers):
        raise AmbiguousAddressError(found.message, found.choices)
    if isinstance(found, results.Unknown):
        raise UnknownAddressError(found.message, found.choices)
    if isinstance(found, results.Outside):
        raise OutsideUSError(found.message, found.choices)
    return Place(
        found.latitude,
        found.longitude,
        found.label,
        "zip" if found.zip_code else "city",
        found.precision_km,
        _precision(found),
        found.note or (f"This is the centre of {found.label}." if found.rest else ""),
    )


def _precision(found: results.Found) -> str:
    if found.post_office:
        return "a post office, without an area of its own: its city's centre and spread"
    if found.zip_code:
        return "the ZIP code's centre: nine in ten of its addresses lie within this distance"
    return "the centre: nine in ten of the addresses lie within this distance"
