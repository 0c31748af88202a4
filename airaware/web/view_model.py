"""Make the answers (`airaware.web.answers`) of what the store has about a place."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import starmap
from typing import Any

import numpy as np
import orjson

from airaware.science import metrics, pollutants, ranking
from airaware.science.accuracy import HOURS, season
from airaware.science.pollutant import AQI_CATEGORIES, RANKED_LABELS
from airaware.science.rounding import (
    displayed,
    rounded,
    rounded_each,
    shown,
    shown_each,
)
from airaware.science.sphere import REACH_KM
from airaware.science.standards import FORM_YEARS
from airaware.science.summary import COLUMNS
from airaware.store import nearby, queries
from airaware.store.queries import Load, YearOfMonths
from airaware.web import (
    answers,
    citation,
    count_ranges,
    hours_answer,
    month_columns,
    overview,
    point_year,
)
from airaware.web.asking import At, Span
from airaware.web.month_columns import MonthColumns
from airaware.web.point_year import PointYear
from airaware.web.summary_sentence import sentence, trend_sentence

UNCORRECTED = (
    "measured by Teledyne T640 monitors and not corrected by EPA in the file that was loaded:"
    " such values tend to be too high"
)
METHOD = (
    "Inverse-distance weighting, power 2, hour by hour, of EPA's monitors within 30 miles; where"
    " none reports in a month, of the nearest five within 100 miles, marked as an estimate."
    " An hour is made of what the monitors measured at that time, and shown in the place's"
    " local standard time, all year. Days are the monitors' own, from midnight to midnight of their"
    " local standard time."
)


# By what metrics.category returns: -1, where there is none, is the last one.
_CATEGORIES = (*AQI_CATEGORIES, None)


def grid(at: At, year: int) -> answers.GridAir:
    """Return the air of a year at the grid point nearest to a place: quick, at most 4 km off."""
    loads, cell = at.of_year(year), at.nearest.cell

    def read() -> Any:
        found = {months.parameter: months for months in queries.cell_years(at.reader, cell, loads)}
        center = at.nearest.latitude, at.nearest.longitude
        written = [
            _pollutant(at, load, _columns(at, load, found.get(load.parameter)), center)
            for load in loads
        ]
        # As JSON they take a tenth of the memory, and are written once.
        return orjson.Fragment(orjson.dumps(written))

    return answers.GridAir(
        **vars(_air(at, year, "grid")),
        pollutants=at.reader.remember("answers", loads, _key(cell, loads), read),
    )


def _key(cell: int, loads: Sequence[Load]) -> tuple[object, ...]:
    """Return what a cell's answers depend on beside the loads' rows: the loads' dates."""
    return cell, *(load.committed_at for load in loads)


def at_point(at: At, year: int) -> answers.PointAir:
    """Return the air of a year at the exact place: days, monitors, other years, and its rank."""
    loads = at.of_year(year)
    years = [point_year.read(at, load) for load in loads]
    trends = _trends(at, [load.parameter for load in loads])
    return answers.PointAir(
        **vars(_air(at, year, "point")),
        daily_aqi=overview.daily_aqi(years),
        against_standards=overview.against_standards(
            years, {each.load.parameter: _two_years_before(at, each.load) for each in years}
        ),
        pollutants=[_pollutant_at_point(at, each, trends[each.load.parameter]) for each in years],
    )


def days(at: At, year: int) -> answers.Days:
    """Return each day of a year at the exact place."""
    return answers.Days(
        **vars(_air(at, year, "point")),
        pollutants=[
            answers.DaysPollutant(**vars(_loaded(at, load, at.point)), days=days_of(at, load))
            for load in at.of_year(year)
        ],
    )


def days_of(at: At, load: Load) -> list[answers.Day]:
    """Return each day of a load at the exact place."""
    return _days(point_year.read(at, load))


def months_of(at: At, load: Load) -> list[answers.Month]:
    """Return each month of a load at the exact place; none where no monitor reaches it."""
    columns = _columns_at_point(at, point_year.read(at, load))
    return columns.months() if columns else []


def hours(at: At, span: Span) -> hours_answer.Hours:
    """Return each hour of some days at the exact place; one of a year not loaded has no value."""
    pollutant = span.pollutant
    loads = at.within(span)
    years = list(measured_hours(at, span))
    return hours_answer.Hours(
        **vars(described(loads[-1]))
        | {
            "synthetic": any(load.synthetic for load in loads),
            "sources": citation.sources(loads),
        },
        place=place_of(at),
        uncorrected_monitors=[
            monitor for load in loads for monitor in uncorrected(at, load, at.point)
        ],
        method=METHOD,
        from_=span.first.isoformat(),
        to=span.last.isoformat(),
        utc_offset=at.utc_offset,
        first_hour=f"{span.first}T00:00",
        values=[shown(pollutant, value) for year in years for value in year.values.tolist()],
        months=[
            hours_answer.MonthOfHours(
                month=f"{month.first:%Y-%m}",
                hours=month.hours,
                nearest_km=rounded(month.nearest_km),
                estimate=(month.nearest_km or 0) > REACH_KM,
                expected_error=hours_answer.HourErrors(shown(pollutant, month.expected_error)),
            )
            for year in years
            for month in year.months
        ],
    )


@dataclass(frozen=True)
class MonthOfHours:
    """A month, or the part of it in a span, from its `first` day on: so many hours.

    And what they rest on: the distance to the nearest monitor, and the error to expect of an hour
    in EPA's unit; None where it has no value, or too little is known.
    """

    first: date
    hours: int
    nearest_km: float | None
    expected_error: float | None


@dataclass(frozen=True)
class YearOfHours:
    """A year, or the part of it in a span: its hours in EPA's unit, NaN where there is none."""

    values: np.ndarray
    months: tuple[MonthOfHours, ...]


def measured_hours(at: At, span: Span) -> Iterable[YearOfHours]:
    """Yield the hours of a span, year by year."""
    for year in range(span.first.year, span.last.year + 1):
        first = max(span.first, date(year, 1, 1))
        last = min(span.last, date(year, 12, 31))
        numbers = range(first.month, last.month + 1)
        load = next((load for load in at.of(span.pollutant.code) if load.year == year), None)
        found = point_year.measured(at, load, numbers).months if load else {}
        errors = at.expected_errors(load) if load else None
        values, months = [], []
        for number in numbers:
            begin, days = date(year, number, 1), monthrange(year, number)[1]
            month = found.get(number)
            hours = month.hours if month else np.full(24 * days, np.nan)
            skipped = max(0, (first - begin).days)
            values.append(hours[24 * skipped : 24 * ((last - begin).days + 1)])
            nearest_km = month.nearest_km if month else None
            error = errors.of(HOURS, nearest_km, season(number)) if errors else None
            months.append(
                MonthOfHours(begin + timedelta(skipped), len(values[-1]), nearest_km, error)
            )
        yield YearOfHours(np.concatenate(values), tuple(months))


def compared(places: Sequence[At], year: int) -> answers.Compared:
    """Return the year at several places, in their order."""
    return answers.Compared(year, [at_point(at, year) for at in places])


def _air(at: At, year: int, figures: answers.Figures) -> answers.Air:
    return answers.Air(
        place=place_of(at),
        cell=answers.Cell(
            id=f"{at.nearest.cell:x}",
            latitude=round(at.nearest.latitude, 5),
            longitude=round(at.nearest.longitude, 5),
            distance_km=round(at.nearest.distance_km, 2),
        ),
        figures=figures,
        year=year,
        years=at.years()[::-1],
        synthetic=any(load.synthetic for load in at.of_year(year)),
    )


def place_of(at: At) -> answers.Place:
    """Return the place asked for."""
    return answers.Place(**vars(at.place))


@lru_cache(maxsize=400)
def described(load: Load) -> answers.Pollutant:
    """Describe the pollutant of a load, and how a day of it is judged."""
    pollutant = pollutants.get(load.parameter)
    return answers.Pollutant(
        parameter=pollutant.code,
        name=pollutant.name,
        label=pollutant.label,
        note=pollutant.note,
        unit=pollutant.display_unit,
        synthetic=load.synthetic,
        loaded_at=load.committed_at.isoformat(timespec="seconds"),
        sources=citation.sources([load]),
        data_since=pollutant.first_year,
        daily_metric=pollutant.daily_label,
        standard=overview.daily_standard(pollutant),
        aqi_edition=pollutant.aqi.edition if pollutant.aqi else None,
    )


def _loaded(at: At, load: Load, place: tuple[float, float]) -> answers.LoadedPollutant:
    """Describe a load: its pollutant, and what its figures at a place lack."""
    return answers.LoadedPollutant(
        **vars(described(load)),
        incomplete_days=[day.isoformat() for day in load.incomplete_days],
        uncorrected_monitors=uncorrected(at, load, place),
    )


def uncorrected(at: At, load: Load, place: tuple[float, float]) -> list[answers.UncorrectedMonitor]:
    """Return the monitors a place's year rests on whose T640 hours EPA has not corrected.

    The nearest first, each with the number of such hours.
    """
    if not load.uncorrected:
        return []
    hours = queries.uncorrected(at.reader, load)
    used = nearby.air(at.reader, load, place).used()
    return [
        answers.UncorrectedMonitor(site, load.year, hours[site]) for site in used if site in hours
    ]


def _columns(at: At, load: Load, year: YearOfMonths | None) -> MonthColumns | None:
    if year is None:
        return None
    return month_columns.of(pollutants.get(load.parameter), year, at.expected_errors(load))


def _pollutant(
    at: At, load: Load, columns: MonthColumns | None, place: tuple[float, float]
) -> answers.GridPollutant:
    return answers.GridPollutant(
        **vars(_loaded(at, load, place)),
        summary=columns.summary() if columns else None,
        months=columns.months() if columns else [],
    )


def _pollutant_at_point(
    at: At, year: PointYear, trend: list[answers.Year]
) -> answers.PointPollutant:
    load, pollutant, found = year.load, year.pollutant, year.air
    answer = _pollutant(at, load, _columns_at_point(at, year), at.point)
    summary, rank, ranges = answer.summary, _rank(at, year), count_ranges.of(at, year)
    return answers.PointPollutant(
        **vars(answer),
        sentence=sentence(pollutant, load.year, summary, rank, ranges),
        rank=rank,
        ranges=ranges,
        days_above_with_smoke=int((year.above & (year.smoke_hours > 0)).sum()),
        days=_days(year) if summary else [],
        trend=trend_sentence(pollutant, trend),
        years=trend,
        monitors=_monitors(found),
    )


def _rank(at: At, year: PointYear) -> answers.Rank | None:
    """Return how a place's year compares; None where too little of it was measured in reach."""
    pollutant, load = year.pollutant, year.load
    (figure,) = ranking.figures(pollutant, year.months[np.newaxis], load.year)
    if not np.isfinite(figure):
        return None
    found = at.ranks(load, figure, at.state)
    return (
        answers.Rank(
            measure=RANKED_LABELS[pollutant.ranked_by],
            value=displayed(pollutant, float(figure)),
            areas=[
                answers.RankIn(each.area, each.higher + 1, each.higher, each.alike, each.lower)
                for each in found
            ],
        )
        if found
        else None
    )


def _two_years_before(at: At, load: Load) -> list[PointYear]:
    """Return the years before that a three-year form needs; none unless both are loaded."""
    if load.parameter not in overview.JUDGED_BY_YEAR:
        return []
    before = [
        other
        for other in at.of(load.parameter)
        if 0 < load.year - other.year < FORM_YEARS and other.synthetic == load.synthetic
    ]
    return [point_year.read(at, each) for each in before] if len(before) == FORM_YEARS - 1 else []


def _columns_at_point(at: At, year: PointYear) -> MonthColumns | None:
    return _columns(at, year.load, _year_of_months(year) if year.air.months else None)


def _year_of_months(year: PointYear) -> YearOfMonths:
    """Return the months at the point in the shape of the grid's."""
    columns = {name: year.months[name].tolist() for name in COLUMNS}
    return YearOfMonths(year.load.parameter, year.load.year, **columns)


def _days(year: PointYear) -> list[answers.Day]:
    """Return the year's days; one that cannot be judged, or that no monitor reaches, has None."""
    pollutant = year.pollutant
    rows = zip(
        year.dates,
        shown_each(pollutant, year.daily),
        year.above.tolist(),
        [aqi if aqi >= 0 else None for aqi in year.aqi.tolist()],
        [_CATEGORIES[number] for number in metrics.category(pollutant, year.daily).tolist()],
        rounded_each(year.nearest_km),
        shown_each(pollutant, year.expected_error),
        year.smoke_hours.tolist(),
        strict=True,
    )
    return [*starmap(answers.Day, rows)]


def _trends(at: At, parameters: Sequence[int]) -> dict[int, list[answers.Year]]:
    """Return all loaded years of some pollutants, by parameter.

    They are the nearest grid point's: at the exact place, they would take long.
    """
    loads, cell = [load for code in parameters for load in at.of(code)], at.nearest.cell

    def read() -> dict[int, list[answers.Year]]:
        found = queries.cell_years(at.reader, cell, loads)
        return {
            code: _trend(at, at.of(code), [year for year in found if year.parameter == code])
            for code in parameters
        }

    return at.reader.remember("trends", loads, _key(cell, loads), read)


def _trend(at: At, of: Sequence[Load], found: Iterable[YearOfMonths]) -> list[answers.Year]:
    loads = {load.year: load for load in of}
    return [
        answers.Year(
            year=year.year,
            synthetic=loads[year.year].synthetic,
            months=sum(n > 0 for n in year.hours),
            hourly_mean=summary.hourly_mean,
            daily_mean=summary.daily_mean,
            days=summary.days,
            days_above_standard=summary.days_above_standard,
            nearest_km=summary.nearest_km,
            expected_error=summary.expected_error,
        )
        for year in sorted(found, key=lambda year: year.year)
        if (columns := _columns(at, loads[year.year], year)) and (summary := columns.summary())
    ]


def _monitors(found: nearby.Air) -> list[answers.Monitor]:
    """Return the monitors that any month rests on, the nearest first."""
    used, stations = found.used(), found.stations
    return [
        answers.Monitor(
            site=site,
            latitude=float(stations.latitude[number]),
            longitude=float(stations.longitude[number]),
            distance_km=round(float(stations.distance_km[number]), 2),
            months=used[site],
        )
        for number, site in enumerate(stations.sites)
        if site in used
    ]
