"""Names are compared as people spell them."""

import pytest

from airaware.gazetteer import places


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
