"""The months of a year as rows of HTML: a template takes several times as long."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from airaware.web import answers
from airaware.web.formatting import MONTHS, NO_VALUE, count, distance, error, figure

_ESTIMATE = ' <abbr title="estimate from monitors farther than 30 miles">est.</abbr>'


# The heads of columns for each month.
HEADS = Markup("".join(f'<th scope="col">{month}</th>' for month in MONTHS))


def in_words(pollutant: answers.GridPollutant) -> str:
    """Describe the months' means and highest days, for people who cannot see the chart."""
    said = ", ".join(map(_said, pollutant.months))
    return (
        f"Mean of the days and highest day, in {pollutant.unit}: {said}."
        f" The level of the standard is {pollutant.standard.level:g}."
    )


def _said(month: answers.Month) -> str:
    daily = month.daily
    known = "no data" if daily.mean is None else f"{figure(daily.mean)} and {figure(daily.max)}"
    return f"{MONTHS[month.month - 1]} {known}{' (estimate)' if month.estimate else ''}"


def day_errors(months: Iterable[answers.Month]) -> Markup:
    """Return the cells with the error to expect of a day in each month."""
    return Markup("".join(f"<td>{error(month.expected_error.day)}</td>" for month in months))


def rows(months: Iterable[answers.Month]) -> Markup:
    """Return the rows of the table of months."""
    return Markup("".join(map(_row, months)))


def _row(month: answers.Month) -> str:
    daily, errors = month.daily, month.expected_error
    cells = (
        *map(figure, (month.hourly_mean, daily.mean, daily.median, daily.p95, daily.max)),
        daily.days_above_standard if daily.days else NO_VALUE,
        error(errors.hourly_mean),
        error(errors.day),
        count(month.hours),
        daily.days,
        month.stations,
        distance(month.nearest_km),
    )
    opening, mark = ('<tr class="estimate">', _ESTIMATE) if month.estimate else ("<tr>", "")
    return (
        f'      {opening}\n        <th scope="row">{MONTHS[month.month - 1]}{mark}</th>\n'
        + "".join(f"        <td>{cell}</td>\n" for cell in cells)
        + "      </tr>\n"
    )


def rows_of_aqi(months: Sequence[answers.Month]) -> Markup:
    """Return the rows of the table of days in each category; none without an index."""
    counts = ((month.month, month.daily.aqi_days) for month in months)
    return Markup("".join(_row_of_aqi(month, days) for month, days in counts if days))


def _row_of_aqi(month: int, aqi_days: answers.AqiDays) -> str:
    cells = "".join(
        f"<td>{days}</td>" if days else '<td class="none">0</td>' for days in aqi_days.values()
    )
    return f'      <tr><th scope="row">{MONTHS[month - 1]}</th>\n{cells}</tr>\n'
