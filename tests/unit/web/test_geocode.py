"""From text to a point, offline and with a stand-in for the Census's server on this machine."""

import contextlib
import csv
import json
import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from airaware.gazetteer import build, outline, places, reading
from airaware.science.grid import in_us
from airaware.web import geocode
from airaware.web.geocode import (
    AddressError,
    AmbiguousAddressError,
    EmptyAddressError,
    Geocoder,
    OutsideUSError,
    TooLongAddressError,
    UnknownAddressError,
)

CASES = Path(__file__).parents[4] / "shared/data/cases/addresses.tsv"
WRIGLEY = "1060 W Addison St, Chicago, IL 60613"
OFFLINE = Geocoder()
FAILURES = "airaware_census_failures_total"


class CensusStandIn(ThreadingHTTPServer):
    """Answers in the Census geocoder's format: `matches`, with `status`; counts the questions."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _CensusHandler)
        self.matches: list[tuple[str, float, float]] = []
        self.status = 200
        self.dripping = ""  # "headers" or "body": what comes byte by byte
        self.ended = threading.Event()
        self.asked: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/geocoder/locations/onelineaddress"


class _CensusHandler(BaseHTTPRequestHandler):
    server: CensusStandIn

    def do_GET(self) -> None:
        self.server.asked.append(parse_qs(urlsplit(self.path).query))
        matches = [
            {"matchedAddress": label, "coordinates": {"x": longitude, "y": latitude}}
            for label, latitude, longitude in self.server.matches
        ]
        if self.server.dripping == "headers":
            self._drip(b"HTTP/1.1 200 OK\r\nX: " + 100 * b"x")
            return
        self.send_response(self.server.status)
        self.end_headers()
        body = json.dumps({"result": {"addressMatches": matches}}).encode()
        if self.server.dripping:
            self._drip(body)
        else:
            self.wfile.write(body)

    def _drip(self, text: bytes) -> None:
        """Write a byte every 0.2 s until the test ends."""
        for byte in text:
            with contextlib.suppress(OSError):  # the client has gone
                self.wfile.write(bytes([byte]))
            if self.server.ended.wait(0.2):
                break

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def census() -> Iterator[CensusStandIn]:
    """A stand-in for the Census that knows one address."""
    with CensusStandIn() as server:
        server.matches = [("1060 W ADDISON ST, CHICAGO, IL, 60613", 41.94735, -87.65654)]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("41.8781, -87.6298", 41.8781, -87.6298),
        (" 41.8781 -87.6298 ", 41.8781, -87.6298),
        ("41.8781,-87.6298", 41.8781, -87.6298),
        ("41.8781 N, 87.6298 W", 41.8781, -87.6298),
        ("41.8781°, −87.6298°", 41.8781, -87.6298),
        ("+18, -66", 18, -66),
    ],
)
def test_coordinates(text: str, latitude: float, longitude: float) -> None:
    place = OFFLINE.locate(text)
    assert (place.latitude, place.longitude, place.method) == (latitude, longitude, "coordinates")


def test_coordinates_are_as_precise_as_they_were_given() -> None:
    assert OFFLINE.locate("41.8, -87.65").precision_km == pytest.approx(5.56, abs=0.01)
    assert OFFLINE.locate("41.8781, -87.6298").precision_km == pytest.approx(0.006, abs=0.001)


@pytest.mark.parametrize("text", ["60614", "60614-1234", "Chicago, IL 60614", "Chicago IL, 60614"])
def test_zip_codes(text: str) -> None:
    place = OFFLINE.locate(text)
    assert (place.label, place.method, place.precision_km) == ("Chicago, IL 60614", "zip", 3.0)
    assert "nine in ten" in place.precision
    assert place.note == ""


def test_a_bare_zip_code_is_the_place_that_it_is_in_any_text() -> None:
    for code in sorted(places.covered_zip_codes())[::50]:
        assert OFFLINE.locate(code) == OFFLINE.locate(f" {code}")


@pytest.mark.parametrize(("code", "city"), [("93199", "Goleta, CA"), ("44195", "Cleveland, OH")])
def test_a_zip_code_without_an_area_is_at_its_citys_centre(code: str, city: str) -> None:
    box, centre = OFFLINE.locate(code), OFFLINE.locate(city)
    assert (box.latitude, box.longitude) == (centre.latitude, centre.longitude)
    assert box.precision_km > centre.precision_km
    assert "post office" in box.precision


def test_every_place_that_is_covered_lies_in_the_us() -> None:
    known = places.load()
    cities = [city for same in known.cities.values() for city in same]
    everywhere: list[Any] = [*places.covered_zip_codes().values(), *cities]
    points = {(place.latitude, place.longitude) for place in everywhere}
    assert [point for point in points if not (in_us(*point) and outline.covers(*point))] == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Chicago, IL", "Chicago, IL"),
        ("chicago illinois", "Chicago, IL"),
        ("CHICAGO, Illinois, USA", "Chicago, IL"),
        ("Saint Louis, MO", "St. Louis, MO"),
        ("St. Louis Missouri", "St. Louis, MO"),
        ("Charleston, West Virginia", "Charleston, WV"),
        ("Charleston West Virginia", "Charleston, WV"),
        ("Washington DC", "Washington, DC"),
        ("Washington, District of Columbia", "Washington, DC"),
        ("New York, New York", "New York, NY"),
        ("Winston Salem NC", "Winston-Salem, NC"),
        ("San Juan, PR", "San Juan, PR"),
        ("Mayaguez, Puerto Rico", "Mayagüez, PR"),
        ("Nome AK", "Nome, AK"),
    ],
)
def test_city_and_state(text: str, label: str) -> None:
    place = OFFLINE.locate(text)
    assert (place.label, place.method) == (label, "city")
    assert 0 < place.precision_km <= build.MOST_KM


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", EmptyAddressError),
        (" ,\n\t\x00\u200b\u2028, ", EmptyAddressError),
        ("x" * 201, TooLongAddressError),
        ("nan, nan", UnknownAddressError),
        ("inf, -inf", UnknownAddressError),
        ("1e999,2", UnknownAddressError),
        ("90.1, 0", UnknownAddressError),
        ("40, 181", UnknownAddressError),
        ("00000", UnknownAddressError),
        ("Illinois", UnknownAddressError),
        ("Paris, France", OutsideUSError),
        ("Chicago, TX, IL, ,", UnknownAddressError),
        ("%s%n{}", UnknownAddressError),
        ("96910", OutsideUSError),
        ("St Thomas, VI 00801", OutsideUSError),
        ("APO AE 09012", OutsideUSError),
        ("Springfield", AmbiguousAddressError),
    ],
)
def test_what_cannot_be_located(text: str, error: type[AddressError]) -> None:
    with pytest.raises(error):
        OFFLINE.locate(text)


def test_choices_begin_with_the_largest_city() -> None:
    with pytest.raises(AmbiguousAddressError) as ambiguous:
        OFFLINE.locate("Portland")
    assert ambiguous.value.choices[0] == "Portland, OR"
    assert len(ambiguous.value.choices) == len(set(ambiguous.value.choices))


@given(st.text(max_size=210))
def test_any_text_is_located_or_refused(text: str) -> None:
    try:
        place = OFFLINE.locate(text)
    except AddressError:
        return
    assert abs(place.latitude) <= 90
    assert abs(place.longitude) <= 180


def test_street_comes_from_the_census_and_is_asked_once(census: CensusStandIn) -> None:
    geocoder = Geocoder(census.url)
    for text in (WRIGLEY, WRIGLEY.upper()):
        place = geocoder.locate(text)
        assert (place.latitude, place.longitude, place.method) == (41.94735, -87.65654, "census")
        assert place.label == text
    (question,) = census.asked
    assert question["address"] == [WRIGLEY]
    assert question["benchmark"] == ["Public_AR_Current"]


@pytest.mark.parametrize("text", ["60614", "Chicago, IL", "41.9, -87.6", "Chicago, IL 60614"])
def test_census_is_only_asked_for_streets(census: CensusStandIn, text: str) -> None:
    Geocoder(census.url).locate(text)
    assert census.asked == []


def test_several_streets_are_a_choice(census: CensusStandIn) -> None:
    census.matches = [("1 N MAIN ST, X, IL", 41.0, -88.0), ("1 S MAIN ST, X, IL", 41.1, -88.0)]
    with pytest.raises(AmbiguousAddressError) as ambiguous:
        Geocoder(census.url).locate("1 Main St, X, IL")
    assert ambiguous.value.choices == ["1 N MAIN ST, X, IL", "1 S MAIN ST, X, IL"]


def test_unknown_street_falls_back_to_its_zip_code(census: CensusStandIn) -> None:
    census.matches = []
    place = Geocoder(census.url).locate(WRIGLEY)
    assert (place.label, place.method) == ("Chicago, IL 60613", "zip")
    assert "does not know this street" in place.note


def test_failing_census_is_left_alone_and_the_zip_code_serves(census: CensusStandIn) -> None:
    census.status = 503
    geocoder, before = Geocoder(census.url), REGISTRY.get_sample_value(FAILURES)
    for _ in range(3):
        place = geocoder.locate(WRIGLEY)
        assert place.method == "zip"
        assert "does not answer" in place.note
    assert len(census.asked) == 1
    assert REGISTRY.get_sample_value(FAILURES) == (before or 0) + 1


def test_what_the_census_refuses_pauses_it_for_nobody(census: CensusStandIn) -> None:
    geocoder = Geocoder(census.url)
    census.status = 400
    assert "does not accept" in geocoder.locate(WRIGLEY).note
    assert "100 characters" in geocoder.locate("1060 " + "W" * 100 + " St, Chicago, IL 60613").note
    assert len(census.asked) == 1
    census.status = 200
    assert geocoder.locate(WRIGLEY).method == "census"


def test_the_address_that_the_census_matched_is_told_each_time(census: CensusStandIn) -> None:
    geocoder = Geocoder(census.url)
    for _ in range(2):
        note = geocoder.locate(WRIGLEY).note
        assert note == "The Census geocoder matched 1060 W ADDISON ST, CHICAGO, IL, 60613."
    assert len(census.asked) == 1


def test_no_more_than_two_ask_the_census_at_once(census: CensusStandIn) -> None:
    geocoder = Geocoder(census.url)
    assert geocoder._census is not None
    for _ in range(geocode.CENSUS_AT_ONCE):
        assert geocoder._census._free.acquire(blocking=False)
    assert "is busy" in geocoder.locate(WRIGLEY).note
    assert census.asked == []
    geocoder._census._free.release()
    assert geocoder.locate(WRIGLEY).method == "census"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_census_that_drips_its_answer_is_given_up_in_time(
    census: CensusStandIn, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(geocode, "CENSUS_TIMEOUT_SECONDS", (1.5, 1.5))
    census.dripping = part  # for some 25 seconds, each read in time
    geocoder = Geocoder(census.url)
    place = geocoder.locate(WRIGLEY)
    assert place.method == "zip"
    assert "does not answer" in place.note
    assert geocoder._census is not None
    for _ in range(geocode.CENSUS_AT_ONCE):  # the thread that asked has ended as well
        assert geocoder._census._free.acquire(timeout=15)
    assert not census.ended.is_set()


def test_a_request_whose_time_is_up_asks_the_census_no_more(census: CensusStandIn) -> None:
    geocoder = Geocoder(census.url)
    assert "is busy" in geocoder.locate(WRIGLEY, time.monotonic()).note
    assert geocoder.locate(WRIGLEY, time.monotonic() + 60).method == "census"


def test_the_hard_inputs_with_a_census_that_answers(census: CensusStandIn) -> None:
    """What is no street never goes out; a street that the Census knows is where it says."""
    if not CASES.exists():
        pytest.skip("the cases are not on this machine")
    geocoder = Geocoder(census.url)
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["latitude"]]
    for row in rows:
        there = float(row["latitude"]), float(row["longitude"])
        census.matches = [(row["input"].upper(), *there)]
        asked, points = len(census.asked), []
        try:
            points = [geocoder.locate(row["input"])]
        except AddressError as error:
            choices: Any = error.extra()["choices"]
            points = [geocoder.locate(choice) for choice in choices]
        near = min(places.distance_km(there, (each.latitude, each.longitude)) for each in points)
        assert near <= float(row["within_km"]), row
        if len(census.asked) > asked:
            assert reading.has_street(geocode.cleaned(row["input"])), row
    assert 1 <= len(census.asked) <= 8  # the file's streets


@pytest.mark.parametrize(
    ("text", "message", "choices"),
    [
        (
            "PO Box 1400, Columbus GA 33902",
            "33902 is in Fort Myers, FL, not in Columbus, GA",
            ["Fort Myers, FL 33902", "Columbus, GA"],
        ),
        (
            "Chicago, IL 62701",
            "62701 is in Springfield, IL, not in Chicago, IL",
            ["Springfield, IL 62701", "Chicago, IL"],
        ),
    ],
)
def test_a_zip_code_and_a_city_that_disagree_are_a_choice(
    text: str, message: str, choices: list[str]
) -> None:
    with pytest.raises(AmbiguousAddressError, match=message) as ambiguous:
        OFFLINE.locate(text)
    assert ambiguous.value.choices == choices
    assert [OFFLINE.locate(choice).label for choice in choices] == choices


@pytest.mark.parametrize("text", ["Chicago, IL 60614", "Chicago 60614", "Evanston, IL 60614"])
def test_a_zip_code_and_a_city_that_agree_need_no_note(text: str) -> None:
    assert OFFLINE.locate(text).note == ""


def test_a_misspelt_city_is_not_known_but_suggested() -> None:
    with pytest.raises(UnknownAddressError) as unknown:
        OFFLINE.locate("Chicgo, IL")
    assert unknown.value.choices[0] == "Chicago, IL"
    assert len(unknown.value.choices) <= 5


def test_unreachable_census_and_no_zip_code() -> None:
    geocoder = Geocoder("http://127.0.0.1:1/")
    assert geocoder.locate("1060 W Addison St, Chicago, IL").label == "Chicago, IL"
    with pytest.raises(UnknownAddressError, match="Add the ZIP code"):
        geocoder.locate("1060 W Addison St")


def test_addresses_are_neither_logged_nor_kept(
    census: CensusStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    geocoder = Geocoder(census.url)
    geocoder.locate(WRIGLEY)
    census.status = 500
    geocoder.locate(WRIGLEY.replace("1060", "1061"))
    Geocoder("http://127.0.0.1:1/").locate(WRIGLEY)
    assert "Census geocoder fails" in caplog.text
    assert "Addison" not in caplog.text
    assert "Addison" not in repr(vars(geocoder._census))


def test_two_processes_hash_differently(census: CensusStandIn) -> None:
    digests = set()
    for _ in range(2):
        kept = geocode.Census(census.url)
        kept.ask(WRIGLEY)
        digests |= set(kept._known)
    assert len(digests) == 2
