"""The days of a year as HTML: calendars by AQI category, and tables of days.

How a year is laid out is the same at every place. It is worked out once, with a hole for each day,
and the days are written into it in one go: a template takes ten times as long.
"""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from itertools import chain

from markupsafe import Markup, escape

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.web import answers
from airaware.web.formatting import MONTHS, error, figure, miles

NUMBERS: dict[str | None, int] = {name: number for number, name in enumerate(AQI_CATEGORIES, 1)}
YEARS = 100  # more than there are
# A day's category, 1 (Good) to 6 or 0, its title as HTML, and whether it is smoky.
Cell = tuple[int, str, bool]


def calendar_of_days(pollutant: answers.PointPollutant) -> Markup:
    """Return the calendar of a pollutant's year: twelve tables."""
    unit = escape(pollutant.unit)
    errors = {each.expected_error: error(each.expected_error) for each in pollutant.days}

    def cell(day: answers.Day) -> Cell:
        if day.category is None:
            return 0, f"{figure(day.value)} no data", day.smoke_hours > 0
        off = f" {errors[day.expected_error]}" if day.expected_error else ""
        title = f"{figure(day.value)}{off} {unit}, AQI {day.aqi}, {day.category}{_smoke(day)}"
        return NUMBERS[day.category], title, day.smoke_hours > 0

    return _calendar(pollutant.days[0].date, map(cell, pollutant.days))


def calendar_of_aqi(found: answers.DailyAqi) -> Markup:
    """Return the calendar of the daily AQI: each day with what leads it and what it rests on."""
    pollutants = {code: each for each in found.pollutants for code in each.parameters}

    @cache  # few of a year's days differ in what their index rests on
    def rest(
        leading: tuple[tuple[int, float, float | None], ...], rests_on: tuple[int, ...]
    ) -> str:
        leaders = [_leader(answers.Leader(*each), pollutants[each[0]]) for each in leading]
        first = [code for code, *_ in leading]
        others = [pollutants[code].name for code in rests_on if code not in first]
        also = f"; also {', '.join(others)}" if others else ""
        return escape(f"{' and '.join(leaders)}{also}")

    def cell(day: answers.AqiDay) -> Cell:
        if day.category is None:
            return 0, "no data", False
        leading = tuple(
            (each.parameter, each.nearest_km, each.expected_error) for each in day.leading
        )
        rests_on = rest(leading, tuple(day.rests_on))
        title = f"AQI {day.aqi}, {day.category}: {rests_on}{_smoke(day)}"
        return NUMBERS[day.category], title, day.smoke_hours > 0

    return _calendar(found.by_day[0].date, map(cell, found.by_day))


def _smoke(day: answers.Day | answers.AqiDay) -> str:
    return f", {day.smoke_hours} h of smoke" if day.smoke_hours else ""


def _leader(leader: answers.Leader, of: answers.AqiPollutant) -> str:
    off = "error unknown"
    if leader.expected_error:
        off = f"{error(leader.expected_error)} {of.unit}"
    return f"{of.name} ({miles(leader.nearest_km)}, {off})"


def _calendar(first: str, cells: Iterable[Cell]) -> Markup:
    """Write a year's days, from its first one on, into its calendar."""
    written = (
        (f"aqi-{number} on-{number}{' smoke' if smoky else ''}", title, number or "")
        for number, title, smoky in cells
    )
    return Markup(_calendar_layout(int(first[:4])) % tuple(chain.from_iterable(written)))


@lru_cache(maxsize=YEARS)
def _calendar_layout(year: int) -> str:
    """Return a year's calendar with three holes a day: its class, title and number."""
    weeks_of = calendar.Calendar(calendar.SUNDAY).monthdatescalendar

    def hole(day: date, month: int) -> str:
        if day.month != month:
            return "<td></td>"
        return f'<td class="%s" title="{MONTHS[month - 1]} {day.day}: %s">%s</td>'

    return "".join(
        f'  <table aria-hidden="true">\n    <caption>{MONTHS[month - 1]}</caption>\n'
        + "".join(
            f"    <tr>{''.join(hole(day, month) for day in week)}</tr>\n"
            for week in weeks_of(year, month)
        )
        + "  </table>\n"
        for month in range(1, 13)
    )


def rows_of_days(days: Sequence[answers.Day], before_date: str) -> Markup:
    """Return the rows of the table of days: a row per day of the month, a column per month.

    A day with a value leads to the address that its date completes.
    """
    link = str(escape(before_date))
    return _rows(days[0].date, [_cell(day, link) for day in days])


def rows_of_aqi(found: answers.DailyAqi, before_dates: Mapping[int, str]) -> Markup:
    """Return the rows of the table of the daily AQI: each day with what leads it.

    A day leads to the address that its date completes, of the first pollutant that leads it.
    """
    names = {code: each.name for each in found.pollutants for code in each.parameters}
    links = {code: str(escape(before_dates[code])) for code in names}

    def cell(day: answers.AqiDay) -> str:
        if day.aqi is None:
            return f'<td class="none">{figure(None)}</td>'
        leading = " and ".join(names[each.parameter] for each in day.leading)
        link = f"{links[day.leading[0].parameter]}{day.date}"
        smoke = ", s" if day.smoke_hours else ""
        return f'<td><a href="{link}">{day.aqi}</a> <small>{leading}{smoke}</small></td>'

    return _rows(found.by_day[0].date, [cell(day) for day in found.by_day])


def _rows(first: str, cells: Sequence[str]) -> Markup:
    """Write a year's days, from its first one on, into its table."""
    layout, order = _table_layout(int(first[:4]))
    return Markup(layout % tuple(cells[n] for n in order))


def _cell(day: answers.Day, link: str) -> str:
    """Return a day's cell from its opening tag's name on."""
    if day.value is None:
        return f'<td class="none">{figure(None)}</td>'
    value = f'<a href="{link}{day.date}">{figure(day.value)}</a>'
    if not day.category:
        return f"<td>{value}</td>"
    smoke = "s" if day.smoke_hours else ""
    return f"<td>{value} <small>{NUMBERS[day.category]}{smoke}</small></td>"


@lru_cache(maxsize=YEARS)
def _table_layout(year: int) -> tuple[str, tuple[int, ...]]:
    """Return the table of a year's days with a hole for each, and which day goes into which."""
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
    return "".join(rows), tuple(order)
