"""The rows of the tables of months."""

from typing import Any
from xml.etree import ElementTree

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.web import answers, months


def month(number: int, aqi: bool = True, **changes: object) -> answers.Month:
    """Return a month near monitors."""
    aqi_days = dict.fromkeys(AQI_CATEGORIES, 0) | {"Good": 28, "Moderate": 2}
    known: dict[str, Any] = {
        "hourly_mean": 20.0, "hours": 1720, "stations": 3, "nearest_km": 8.5, "estimate": False,
        "daily": answers.DailyStatistics(30.0, 29.5, 44.0, 120.0, 30, 1, aqi_days if aqi else None),
        "expected_error": answers.MonthErrors(2.0, 4.0, 3.25),
    }  # fmt: skip
    return answers.Month(month=number, **known | changes)


def cells(html: str) -> list[list[str | None]]:
    """Return the text of the cells, row by row."""
    table = ElementTree.fromstring(f"<table>{html}</table>")
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


def test_a_month_is_a_row_and_an_estimate_is_marked() -> None:
    html = months.rows([month(1), month(12, estimate=True)])
    first, last = cells(html)
    assert first == [
        "Jan", "20.0", "30.0", "29.5", "44.0", "120", "1", "± 2.0", "± 3.2", "1,720", "30", "3",
        "5.3 mi (8.5 km)",
    ]  # fmt: skip
    assert last[0] == "Dec est."
    assert html.count('<tr class="estimate">') == 1


def test_a_month_without_data_has_dashes() -> None:
    errors, none = answers.MonthErrors(None, None, None), None
    daily = answers.DailyStatistics(none, none, none, none, 0, 0, none)
    empty = month(3, hourly_mean=None, daily=daily, expected_error=errors, nearest_km=None)
    assert cells(months.rows([empty])) == [
        ["Mar", *"–" * 8, "1,720", "0", "3", "–"],
    ]


def test_categories_without_a_day_are_told_apart() -> None:
    html = months.rows_of_aqi([month(2)])
    assert cells(html) == [["Feb", "28", "2", "0", "0", "0", "0"]]
    assert html.count('<td class="none">0</td>') == 4
    assert months.rows_of_aqi([month(2, aqi=False)]) == ""
