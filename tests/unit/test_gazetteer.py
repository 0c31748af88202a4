"""The gazetteer's file is what the packages tell, and names are compared as people spell them."""

import pytest

from airaware import gazetteer


def test_the_file_holds_what_the_packages_tell() -> None:
    built = gazetteer.build()
    assert gazetteer.load() == built
    assert len(built.states) == 2 * 52
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
    ],
)
def test_names_are_the_same_in_any_spelling(one: str, other: str) -> None:
    assert gazetteer.key(one) == gazetteer.key(other)


def test_the_most_populous_city_of_a_name_comes_first() -> None:
    named = gazetteer.load().cities[gazetteer.key("Portland")]
    assert [city.label for city in named[:2]] == ["Portland, OR", "Portland, ME"]
