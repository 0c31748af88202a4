"""Years as a person writes them."""

from datetime import UTC, datetime

import pytest

from airaware.errors import AirAwareError
from airaware.science import spans


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2013", [2013]),
        ("2015-2017", [2015, 2016, 2017]),
        ("2013,2015-2017", [2013, 2015, 2016, 2017]),
        ("2017, 2013 ,2016-2017", [2013, 2016, 2017]),
    ],
)
def test_years(text: str, found: list[int]) -> None:
    assert spans.years(text) == found


@pytest.mark.parametrize(
    "text", ["", "17", "2017-2013", "2013-", "2013,,2014", "all", "2013;2014", "２０１３"]
)
def test_what_is_no_year_is_named(text: str) -> None:
    with pytest.raises(AirAwareError, match=f"'{text}' is not a year"):
        spans.years(text)


@pytest.mark.parametrize("text", ["1979", "abc", "2013-2014", "", "17", "20 17", " 2017", "-2017"])
def test_one_year_is_four_digits_of_a_year_that_epa_has(text: str) -> None:
    with pytest.raises(AirAwareError, match=f"'{text}' is not a year"):
        spans.year(text)


def test_the_first_and_the_last_year() -> None:
    last = datetime.now(UTC).year
    assert [spans.year("1980"), spans.year(str(last))] == [1980, last]
    for text in (f"1979-{last}", f"1980-{last + 1}"):
        with pytest.raises(AirAwareError, match=f"is not a year that EPA has: 1980 to {last}"):
            spans.years(text)
