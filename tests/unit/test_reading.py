"""What a visitor types leads to the right place, or to suggestions."""

import csv
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from airaware.gazetteer import build, places, reading, results
from airaware.gazetteer.places import distance_km
from airaware.gazetteer.results import Found, Offers, Outside, Reading, Unknown
from airaware.web.errors import VisitorError
from airaware.web.geocode import Geocoder

CASES = Path(__file__).parents[3] / "shared/data/cases/addresses.tsv"
SEED, ZIP_CODES = 24, 4_000


def cases() -> list[dict[str, str]]:
    """Return the rows of the hard inputs; none where they are missing."""
    if not CASES.exists():
        return []
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not on this machine")
@pytest.mark.parametrize("case", cases(), ids=lambda case: case["input"])
def test_hard_inputs(case: dict[str, str]) -> None:
    status, points = 200, []
    try:
        place = Geocoder().locate(case["input"])
        points = [(place.latitude, place.longitude)]
    except VisitorError as error:
        status = error.status
        for choice in error.extra().get("choices", ()):  # type: ignore[attr-defined]
            place = Geocoder().locate(choice)
            points.append((place.latitude, place.longitude))
    expected = {"unknown": (404,), "outside": (422,), "empty": (400,), "place": (200,)}
    assert status in expected.get(case["expect"], (200, 404, 409, 422))
    if case["latitude"]:
        there = float(case["latitude"]), float(case["longitude"])
        assert min(distance_km(there, point) for point in points) <= float(case["within_km"])


@cache
def sample() -> list[str]:
    """Return ZIP codes of covered places, always the same."""
    known = places.load().zip_codes
    codes = [code for code in sorted(known) if known[code].state not in places.OUTSIDE_STATES]
    return random.Random(SEED).sample(codes, ZIP_CODES)


@cache
def of_zip_code(code: str) -> set[str]:
    """Return what a ZIP code alone leads to."""
    return labels(reading.read(code))


@cache
def of_city(city: str, state: str) -> set[str]:
    """Return what a city and its state lead to."""
    return labels(reading.read(f"{city}, {state}"))


def labels(found: Reading) -> set[str]:
    """Return what is answered or offered."""
    return {found.label} if isinstance(found, Found) else set(getattr(found, "choices", ()))


SPELLINGS: dict[str, Callable[[str, str, str], str]] = {
    "60614, IL": lambda code, _city, state: f"{code}, {state}",
    "60614 Chicago": lambda code, city, _state: f"{code} {city}",
    "123 Main St, El Paso TX": lambda _code, city, state: f"123 Main St, {city} {state}",
    "123 Main St El Paso TX": lambda _code, city, state: f"123 Main St {city} {state}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_4000_zip_codes(spelling: str) -> None:
    known, missed = places.load().zip_codes, []
    for code in sample():
        city, state = known[code].city, known[code].state
        found = reading.read(SPELLINGS[spelling](code, city, state))
        right = of_zip_code(code) | of_city(city, state)
        offered = {choice.removeprefix("123 Main St, ") for choice in labels(found)}
        if not offered & right:
            missed.append((city, state, found))
    assert len(missed) <= 0.005 * ZIP_CODES, missed[:20]


def misspelt(city: str, chance: random.Random) -> str:
    """Return a name with one letter dropped, doubled, swapped or replaced."""
    at = chance.choice([index for index, letter in enumerate(city) if letter.isalpha()])
    letter = city[at]
    kind = chance.choice(("dropped", "doubled", "swapped", "replaced"))
    if kind == "swapped":
        at = min(at, len(city) - 2)
        return city[:at] + city[at + 1] + city[at] + city[at + 2 :]
    put = {"dropped": "", "doubled": 2 * letter}
    return city[:at] + put.get(kind, chance.choice("abcdefghijklmnopqrstuvwxyz")) + city[at + 1 :]


def test_one_wrong_letter_is_suggested_away() -> None:
    chance, known, missed = random.Random(SEED), places.load().zip_codes, []
    codes = sample()
    for code in codes:
        city, state = known[code].city, known[code].state
        found = reading.read(f"{misspelt(city, chance)}, {state}")
        assert not isinstance(found, Unknown) or len(found.choices) <= results.SUGGESTIONS
        if not labels(found) & of_city(city, state):
            missed.append((city, state, found))
    assert len(missed) <= 0.1 * len(codes), missed[:20]


ELEVEN = (
    "Chatham, IL",
    "Woodlawn, IL",
    "Rose Hill, VA",
    "Woodbridge, CA",
    "Live Oak, CA",
    "Shelby, MI",
    "Midway, FL",
    "Lake Butler, FL",
    "Melrose, NY",
    "Bridgeport, IL",
    "Woodlawn, VA",
)


@pytest.mark.parametrize("town", ELEVEN)
def test_namesakes_of_a_state_are_offered_and_lead_to_themselves(town: str) -> None:
    offered = reading.read(town)
    assert isinstance(offered, Offers)
    found = [reading.read(choice) for choice in offered.choices]
    assert [each.label for each in found if isinstance(each, Found)] == list(offered.choices)


def test_every_label_leads_to_its_place() -> None:
    tables = places.load().cities, places.load().areas
    everywhere = {city.label for table in tables for same in table.values() for city in same}
    assert [label for label in everywhere if label not in labels(reading.read(label))] == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Kings Park West, VA", "Kings Park West, VA"),
        ("NY NY", "New York, NY"),
        ("Boston 2134", "Allston, MA 02134"),
        ("1 Elm St, Chatham, Cook County, IL", "Chatham, Cook County, IL"),
        ("606141234", "Chicago, IL 60614"),
        ("60614–1234", "Chicago, IL 60614"),
        ("60614-1234", "Chicago, IL 60614"),
        ("60614 1234", "Chicago, IL 60614"),
        ("IL 60614", "Chicago, IL 60614"),
        ("60614 USA", "Chicago, IL 60614"),
        ("60614, Illinois, United States", "Chicago, IL 60614"),
        ("12345 Main St, El Paso TX", "El Paso, TX"),
        ("60614 Main St, El Paso, Tex.", "El Paso, TX"),
        ("60614 W Elm St El Paso TX 79901", "El Paso, TX 79901"),
        ("PO Box 60614, El Paso TX", "El Paso, TX"),
        ("1 Elm St, Providence RI 2903", "Providence, RI 02903"),
        ("Raleigh, N. Carolina", "Raleigh, NC"),
        ("Raleigh, N.C.", "Raleigh, NC"),
        ("Raleigh N.Carolina", "Raleigh, NC"),
        ("San Diego, Calif.", "San Diego, CA"),
        ("1 Main St Salt Lake City Utah", "Salt Lake City, UT"),
        ("200 E Colfax Ave Denver Colo.", "Denver, CO"),
        ("Philly", "Philadelphia, PA"),
        ("Barrow, Alaska", "Utqiaġvik, AK"),
        ("Kings County, NY", "Kings County, NY"),
        ("Martha's Vineyard, MA", "Marthas Vineyard, MA"),
        ("Lincoln Park, Chicago, IL", "Lincoln Park, IL"),
    ],
)
def test_one_place(text: str, label: str) -> None:
    found = reading.read(text)
    assert isinstance(found, Found), found
    assert found.label == label


@pytest.mark.parametrize(
    "text",
    [
        "Guam",
        "Hagåtña, GU",
        "96930",
        "St Thomas, US Virgin Islands",
        "Pago Pago, American Samoa",
        "Toronto, Canada",
        "Toronto ON",
        "M5V 2T6",
        "Vancouver, British Columbia",
        "Tijuana",
        "Ciudad Juarez, Chihuahua",
        "Nassau, Bahamas",
        "Paris, France",
    ],
)
def test_territories_and_other_countries_are_outside(text: str) -> None:
    assert isinstance(reading.read(text), Outside)


def test_a_post_office_takes_its_citys_point_and_a_wider_spread() -> None:
    box, city = reading.read("Fort Myers, FL 33902"), reading.read("Fort Myers, FL")
    assert isinstance(box, Found)
    assert isinstance(city, Found)
    assert box.post_office
    assert (box.latitude, box.longitude, box.precision_km) == (
        city.latitude,
        city.longitude,
        pytest.approx(build.POST_OFFICE_SPREADS * city.precision_km, abs=0.1),
    )


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("1060 W Addison St Chicago IL", True),
        ("1060 W Addison St, Chicago, IL 60613", True),
        ("1060 W Addison St", True),
        ("60614 Chicago", False),
        ("Chicago, IL 60614", False),
        ("Lincoln Park, Chicago", False),
        ("2903", False),
    ],
)
def test_streets_are_told_from_places(text: str, street: bool) -> None:
    assert reading.has_street(text) is street
