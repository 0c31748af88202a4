"""The days of a year as HTML: calendars by AQI category, and tables of days.

How a year is laid out is the same at every place. It is worked out once, with a hole for each day,
and the days are written into it in one go: a template takes ten times as long.
"""

import calendar
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from itertools import accumulate
from operator import itemgetter
from typing import TypeVar

from markupsafe import Markup, escape

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.web import answers
from airaware.web.formatting import MONTHS, error, figure, miles

NUMBERS: dict[str | None, int] = {name: number for number, name in enumerate(AQI_CATEGORIES, 1)}
YEARS = 100  # more than there are
# What the numbers of the categories mean, as items of a list.
KEYS = Markup(
    "\n".join(
        f'    <li><span class="key aqi-{number} on-{number}">{number}</span>{name}</li>'
        for number, name in enumerate(AQI_CATEGORIES, 1)
    )
)
# What stands before and after a cell's title, by its category: 1 (Good) to 6, or 0.
_OPENING, _OPENING_OF_SMOKE = (
    [f'<td class="aqi-{number} on-{number}{smoke}" title="' for number in range(7)]
    for smoke in ("", " smoke")
)
_CLOSING = [f'">{number or ""}</td>' for number in range(7)]
Day = TypeVar("Day", answers.Day, answers.AqiDay)


def calendar_of_days(pollutant: answers.PointPollutant) -> Markup:
    """Return the calendar of a pollutant's year: twelve tables."""
    unit = escape(pollutant.unit)

    @cache  # few of a year's days differ in it
    def around(category: str | None, expected_error: float | None, hours: int) -> tuple[str, ...]:
        number, (opening, smoke) = NUMBERS.get(category, 0), _smoke(hours)
        if not number:
            return opening[0], " no data", "", _CLOSING[0]
        off = f" {error(expected_error)}" if expected_error else ""
        return opening[number], f"{off} {unit}, AQI ", f", {category}{smoke}", _CLOSING[number]

    def cell(date: str, day: answers.Day) -> str:
        opening, off, category, closing = around(day.category, day.expected_error, day.smoke_hours)
        index = "" if day.aqi is None else day.aqi
        return f"{opening}{date}{figure(day.value)}{off}{index}{category}{closing}"

    return _calendar(cell, pollutant.days)


def calendar_of_aqi(found: answers.DailyAqi) -> Markup:
    """Return the calendar of the daily AQI: each day with what leads it and what it rests on."""
    pollutants = {code: each for each in found.pollutants for code in each.parameters}
    said: dict[tuple[int, int], str] = {}  # by the lists that days share

    def leader(each: answers.Leader) -> str:
        of, off = pollutants[each.parameter], "error unknown"
        if each.expected_error:
            off = f"{error(each.expected_error)} {of.unit}"
        return f"{of.name} ({miles(each.nearest_km)}, {off})"

    def rest(day: answers.AqiDay) -> str:
        leaders = [leader(each) for each in day.leading]
        first = [each.parameter for each in day.leading]
        others = [pollutants[code].name for code in day.rests_on if code not in first]
        also = f"; also {', '.join(others)}" if others else ""
        return str(escape(f"{' and '.join(leaders)}{also}"))

    def cell(date: str, day: answers.AqiDay) -> str:
        if day.category is None:
            return f"{_OPENING[0]}{date}no data{_CLOSING[0]}"
        number, key = NUMBERS[day.category], (id(day.leading), id(day.rests_on))
        words = said.get(key) or said.setdefault(key, rest(day))
        opening, smoke = _smoke(day.smoke_hours)
        title = f"AQI {day.aqi}, {day.category}: {words}{smoke}"
        return f"{opening[number]}{date}{title}{_CLOSING[number]}"

    return _calendar(cell, found.by_day)


def _smoke(hours: int) -> tuple[list[str], str]:
    """Return what stands before a cell's title, by category, and what the title says of smoke."""
    return (_OPENING_OF_SMOKE, f", {hours} h of smoke") if hours else (_OPENING, "")


def _calendar(cell: Callable[[str, Day], str], days: Sequence[Day]) -> Markup:
    """Write a year's days into its calendar; `cell` gets a day's date as its title has it."""
    layout, dates = _calendar_layout(int(days[0].date[:4]))
    return Markup(layout % tuple(map(cell, dates, days)))


@lru_cache(maxsize=YEARS)
def _calendar_layout(year: int) -> tuple[str, tuple[str, ...]]:
    """Return a year's calendar with a hole for each day, and the days' dates, as "Jan 1: "."""
    weeks_of = calendar.Calendar(calendar.SUNDAY).monthdatescalendar

    def hole(day: date, month: int) -> str:
        return "%s" if day.month == month else "<td></td>"

    layout = "".join(
        f'  <table aria-hidden="true">\n    <caption>{MONTHS[month - 1]}</caption>\n'
        + "".join(
            f"    <tr>{''.join(hole(day, month) for day in week)}</tr>\n"
            for week in weeks_of(year, month)
        )
        + "  </table>\n"
        for month in range(1, 13)
    )
    return layout, tuple(
        f"{MONTHS[month - 1]} {day}: "
        for month in range(1, 13)
        for day in range(1, calendar.monthrange(year, month)[1] + 1)
    )


def strip(aqi_days: answers.AqiDays) -> Markup:
    """Return a year's days in each category as a strip, and its legend; nothing of no days."""
    if not any(aqi_days.values()):
        return Markup()
    begins = accumulate(aqi_days.values(), initial=0)
    rectangles = "".join(
        f'  <rect class="aqi-{number}" x="{begin}" y="0" width="{days}" height="10"/>\n'
        for number, (begin, days) in enumerate(zip(begins, aqi_days.values(), strict=False), 1)
    )
    legend = "".join(
        f'<li><span class="swatch aqi-{number}"></span>{name} <b>{days}</b></li>'
        for number, (name, days) in enumerate(aqi_days.items(), 1)
        if days
    )
    size = f'viewBox="0 0 {sum(aqi_days.values())} 10" preserveAspectRatio="none"'
    return Markup(
        f'<svg class="strip" {size} aria-hidden="true">\n{rectangles}</svg>\n'
        f'<ul class="legend">\n{legend}</ul>\n'
    )


def rows_of_days(days: Sequence[answers.Day], before_date: str) -> Markup:
    """Return the rows of the table of days: a row per day of the month, a column per month.

    A day with a value leads to the address that its date completes.
    """
    opening, none = f'<td><a href="{escape(before_date)}', f'<td class="none">{figure(None)}</td>'
    cells = [
        none
        if day.value is None
        else f'{opening}{day.date}">{figure(day.value)}{_ends(day.category, day.smoke_hours > 0)}'
        for day in days
    ]
    return _rows(days[0].date, cells)


def rows_of_aqi(found: answers.DailyAqi, before_dates: Mapping[int, str]) -> Markup:
    """Return the rows of the table of the daily AQI: each day with what leads it.

    A day leads to the address that its date completes, of the first pollutant that leads it.
    """
    names = {code: each.name for each in found.pollutants for code in each.parameters}
    links = {code: str(escape(before_dates[code])) for code in names}

    @cache
    def about(*leading: int) -> tuple[str, str]:
        words = " and ".join(names[code] for code in leading)
        return f'<td><a href="{links[leading[0]]}', f"</a> <small>{words}"

    def cell(day: answers.AqiDay) -> str:
        if day.aqi is None:
            return f'<td class="none">{figure(None)}</td>'
        opening, leading = about(*[each.parameter for each in day.leading])
        smoke = ", s" if day.smoke_hours else ""
        return f'{opening}{day.date}">{day.aqi}{leading}{smoke}</small></td>'

    return _rows(found.by_day[0].date, [cell(day) for day in found.by_day])


def _rows(first: str, cells: Sequence[str]) -> Markup:
    """Write a year's days, from its first one on, into its table."""
    layout, in_order = _table_layout(int(first[:4]))
    return Markup(layout % in_order(cells))


@cache
def _ends(category: str | None, smoky: bool) -> str:
    """Return how the cell of a day ends, from its link's end on."""
    if not category:
        return "</a></td>"
    return f"</a> <small>{NUMBERS[category]}{'s' if smoky else ''}</small></td>"


@lru_cache(maxsize=YEARS)
def _table_layout(year: int) -> tuple[str, Callable[[Sequence[str]], tuple[str, ...]]]:
    """Return the table of a year's days with a hole for each, and what puts days in their order."""
    first = date(year, 1, 1)
    lengths = [calendar.monthrange(year, month)[1] for month in range(1, 13)]
    rows, order = [], []
    for number in range(1, 32):
        there = [number <= length for length in lengths]
        holes = "".join("%s" if is_there else '<td class="none"></td>' for is_there in there)
        rows.append(f'      <tr><th scope="row">{number}</th>\n{holes}</tr>\n')
        order += [
            (date(year, month, number) - first).days
            for month, is_there in enumerate(there, 1)
            if is_there
        ]
    return "".join(rows), itemgetter(*order)
