"""The calendars and the table of days, as HTML."""

import re
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from airaware.web import answers, days

Of: Any = SimpleNamespace
LINK = "/day?address=a&date="


def linked(value: str, day: date) -> str:
    """Return a value as it leads to its day's working."""
    return f'<a href="/day?address=a&amp;date={day}">{value}</a>'


def day(number: int, **changes: Any) -> answers.Day:
    """Return a day of 2017 by its number, Moderate but for the first."""
    of = date(2017, 1, 1) + timedelta(number)
    known = {"value": 60.0, "aqi": 67, "category": "Moderate"} if number else {
        "value": None, "aqi": None, "category": None
    }  # fmt: skip
    rest: dict[str, Any] = {
        "date": of.isoformat(),
        "above_standard": False,
        "nearest_km": 5.0,
        "expected_error": 3.0,
        "smoke_hours": 0,
    }
    return answers.Day(**(rest | known | changes))


def cells(html: str, months: int) -> list[list[ElementTree.Element]]:
    """Return the cells of each table of a calendar."""
    tables = ElementTree.fromstring(f"<all>{html}</all>").findall("table")
    assert len(tables) == months
    return [list(table.iter("td")) for table in tables]


def test_the_calendar_s_weeks_begin_on_sunday() -> None:
    of_year = [day(number, smoke_hours=2 if number == 2 else 0) for number in range(365)]
    months = cells(days.calendar_of_days(Of(unit="ppb", days=of_year)), 12)
    assert [sum("title" in each.attrib for each in month) for month in months] == [
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]  # fmt: skip
    first, second, third = months[0][:3]  # a Sunday, and a Monday
    assert first.attrib == {"class": "aqi-0 on-0", "title": "Jan 1: – no data"}
    assert first.text is None
    assert second.attrib == {
        "class": "aqi-2 on-2",
        "title": "Jan 2: 60.0 ± 3.0 ppb, AQI 67, Moderate",
    }
    assert second.text == "2"
    assert third.attrib["title"].endswith("Moderate, 2 h of smoke")
    assert third.attrib["class"] == "aqi-2 on-2 smoke"
    assert [each.attrib for each in months[1][:3]] == [{}] * 3
    assert months[1][3].attrib["title"].startswith("Feb 1: ")  # a Wednesday


def test_a_day_of_the_aqi_names_what_leads_it_and_how_far_its_monitor_is() -> None:
    ozone = Of(name="ozone", unit="ppb", parameters=[44201])
    pm25 = Of(name="PM2.5", unit="µg/m³", parameters=[88101, 88502])
    leaders = [answers.Leader(88502, 16.09344, 4.0), answers.Leader(44201, 8.04672, None)]
    first = date(2017, 1, 1)
    by_day = [
        answers.AqiDay(
            (first + timedelta(number)).isoformat(),
            60,
            "Moderate",
            leading,
            [44201, 88502],
            2 * (number == 1),
        )
        for number, leading in enumerate([leaders, leaders[:1]] + [leaders] * 363)
    ]
    months = cells(days.calendar_of_aqi(Of(pollutants=[ozone, pm25], by_day=by_day)), 12)
    tied, alone = months[0][:2]
    assert tied.attrib["title"] == (
        "Jan 1: AQI 60, Moderate: PM2.5 (10 mi, ± 4.0 µg/m³) and ozone (5.0 mi, error unknown)"
    )
    assert alone.attrib["title"] == (
        "Jan 2: AQI 60, Moderate: PM2.5 (10 mi, ± 4.0 µg/m³); also ozone, 2 h of smoke"
    )
    assert [each.attrib["class"] for each in (tied, alone)] == ["aqi-2 on-2", "aqi-2 on-2 smoke"]
    links = {44201: "/day?parameter=44201&date=", 88101: "", 88502: "/day?parameter=88502&date="}
    by_day[2] = answers.AqiDay("2017-01-03", None, None, [], [], 0)
    html = days.rows_of_aqi(Of(pollutants=[ozone, pm25], by_day=by_day), links)
    first_row, second, third = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)[:3]
    linked_to = (
        '<td><a href="/day?parameter=88502&amp;date=2017-01-0{}">60</a> <small>{}</small></td>'
    )
    assert linked_to.format(1, "PM2.5 and ozone") in first_row
    assert linked_to.format(2, "PM2.5, s") in second
    assert '<td class="none">–</td>' in third


@pytest.mark.parametrize("year", [2016, 2017])
def test_the_table_has_a_day_in_its_month_s_column(year: int) -> None:
    first = date(year, 1, 1)
    many = (date(year + 1, 1, 1) - first).days
    of_year = [
        day(1, date=(first + timedelta(number)).isoformat(), value=100.0 + number)
        for number in range(many)
    ]
    rows = re.findall(r"<tr>(.*?)</tr>", days.rows_of_days(of_year, LINK), re.DOTALL)
    assert len(rows) == 31
    for number, row in enumerate(rows, 1):
        assert f'<th scope="row">{number}</th>' in row
        found = re.findall(r"<td[^>]*>(.*?)</td>", row)
        for month, cell in enumerate(found, 1):
            try:
                there = (date(year, month, number) - first).days
            except ValueError:
                assert cell == ""
            else:
                of = date(year, month, number)
                assert cell == f"{linked(str(100 + there), of)} <small>2</small>"


def test_a_day_without_a_value_or_an_index_is_shown_as_such_and_smoke_is_marked() -> None:
    of_year = [day(n) for n in range(365)]
    of_year[1] = day(1, category=None, value=0.5)
    of_year[2] = day(2, smoke_hours=3)
    (january,) = re.findall(r'<th scope="row">1</th>\n(.*?)</tr>', days.rows_of_days(of_year, LINK))
    assert january.startswith('<td class="none">–</td>')
    html = days.rows_of_days(of_year, LINK)
    assert f"<td>{linked('0.50', date(2017, 1, 2))}</td>" in html
    assert html.count(f"<td>{linked('60.0', date(2017, 1, 3))} <small>2s</small></td>") == 1


def test_what_a_unit_says_is_no_markup() -> None:
    of_year = [day(number) for number in range(365)]
    assert "&lt;b&gt;" in days.calendar_of_days(Of(unit="<b>", days=of_year))
