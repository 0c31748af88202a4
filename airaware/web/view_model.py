"""The answers: what `/api/v1` sends, and what the pages show of it.

Distances in km, concentrations in each pollutant's display unit; None where there is no value.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Any

import numpy as np
from flask import current_app

from airaware.science import metrics, point, pollutants
from airaware.science.accuracy import DAILY, HOURS, MONTH
from airaware.science.pollutant import AQI_CATEGORIES, Pollutant
from airaware.science.sphere import REACH_KM
from airaware.store import nearby, queries
from airaware.store.queries import Load, YearOfMonths
from airaware.web.asking import At, Span
from airaware.web.certainty import ExpectedErrors, expected
from airaware.web.summary_sentence import sentence

# Of the figures of a year, those that its trend has.
OF_A_YEAR = (
    "hourly_mean", "daily_mean", "days", "days_above_standard", "nearest_km", "expected_error",
)  # fmt: skip
UNCORRECTED = (
    "measured by Teledyne T640 monitors and not corrected by EPA in the file that was loaded:"
    " such values tend to be too high"
)
METHOD = (
    "Inverse-distance weighting, power 2, hour by hour, of EPA's monitors within 30 miles; where"
    " none reports in a month, of the nearest five within 100 miles, marked as an estimate."
    " An hour is made of what the monitors measured at that very time, and shown in the place's"
    " local standard time, all year. Days are the monitors' own, from midnight to midnight of their"
    " local standard time."
)


def grid(at: At, year: int) -> dict[str, Any]:
    """The air of a year at the grid point nearest to a place: quick, at most 4 km off."""
    loads = at.of_year(year)
    found = {
        months.parameter: months for months in queries.cell_years(at.reader, at.nearest.cell, loads)
    }
    center = at.nearest.latitude, at.nearest.longitude
    return _air(at, year, "grid") | {
        "pollutants": [_pollutant(at, load, found.get(load.parameter), center) for load in loads]
    }


def at_point(at: At, year: int) -> dict[str, Any]:
    """The air of a year at the very place: with days, monitors, the years before, and its rank."""
    return _air(at, year, "point") | {
        "pollutants": [_pollutant_at_point(at, load) for load in at.of_year(year)]
    }


def days(at: At, year: int) -> dict[str, Any]:
    """Each day of a year at the very place."""
    return _air(at, year, "point") | {
        "pollutants": [
            _of_load(at, load, at.point) | {"days": days_of(at, load)} for load in at.of_year(year)
        ]
    }


def days_of(at: At, load: Load) -> list[dict[str, Any]]:
    """Return each day of a load at the very place."""
    return _days(at, load, _measured(at, load))


def months_of(at: At, load: Load) -> list[dict[str, Any]]:
    """Return each month of a load at the very place; none where no monitor reaches it."""
    pollutant = pollutants.get(load.parameter)
    found = _measured(at, load)
    if not found.months:
        return []
    return _months(pollutant, _year_of_months(load, pollutant, found), at.expected_errors(load))


def hours(at: At, span: Span) -> dict[str, Any]:
    """Each hour of some days at the very place; a day that is not loaded has no values."""
    pollutant = span.pollutant
    loads = at.within(span)
    years = list(measured_hours(at, span))
    return {
        "place": _place(at),
        **_described(loads[-1]),
        "synthetic": any(load.synthetic for load in loads),
        "uncorrected_monitors": [
            monitor for load in loads for monitor in uncorrected(at, load, at.point)
        ],
        "method": METHOD,
        "from": span.first.isoformat(),
        "to": span.last.isoformat(),
        "utc_offset": at.utc_offset,
        "first_hour": f"{span.first}T00:00",
        "values": [
            _shown(pollutant, _finite(value)) for year in years for value in year.values.tolist()
        ],
        "months": [
            {
                "month": f"{month.first:%Y-%m}",
                "hours": month.hours,
                "nearest_km": _rounded(month.nearest_km),
                "estimate": (month.nearest_km or 0) > REACH_KM,
                "expected_error": {"hour": _shown(pollutant, month.expected_error)},
            }
            for year in years
            for month in year.months
        ],
    }


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
    """The hours of a span, year by year."""
    for year in range(span.first.year, span.last.year + 1):
        first = max(span.first, date(year, 1, 1))
        last = min(span.last, date(year, 12, 31))
        numbers = range(first.month, last.month + 1)
        load = next((load for load in at.of(span.pollutant.code) if load.year == year), None)
        found = _measured(at, load, numbers).months if load else {}
        errors = at.expected_errors(load) if load else {}
        values, months = [], []
        for number in numbers:
            begin, days = date(year, number, 1), monthrange(year, number)[1]
            month = found.get(number)
            hours = month.hours if month else np.full(24 * days, np.nan)
            skipped = max(0, (first - begin).days)
            values.append(hours[24 * skipped : 24 * ((last - begin).days + 1)])
            nearest_km = month.nearest_km if month else None
            error = expected(errors, HOURS, nearest_km, number)
            months.append(
                MonthOfHours(begin + timedelta(skipped), len(values[-1]), nearest_km, error)
            )
        yield YearOfHours(np.concatenate(values), tuple(months))


def compared(places: Sequence[At], year: int) -> dict[str, Any]:
    """The year at several places, in their order."""
    return {"year": year, "places": [at_point(at, year) for at in places]}


def _air(at: At, year: int, figures: str) -> dict[str, Any]:
    return {
        "place": _place(at),
        "cell": {
            "id": f"{at.nearest.cell:x}",
            "latitude": round(at.nearest.latitude, 5),
            "longitude": round(at.nearest.longitude, 5),
            "distance_km": round(at.nearest.distance_km, 2),
        },
        "figures": figures,
        "year": year,
        "years": at.years()[::-1],
        "synthetic": any(load.synthetic for load in at.of_year(year)),
    }


def _place(at: At) -> dict[str, Any]:
    place = at.place
    return {
        "label": place.label,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "method": place.method,
        "precision_km": place.precision_km,
        "precision": place.precision,
        "note": place.note,
    }


def _described(load: Load) -> dict[str, Any]:
    """The pollutant of a load, and how a day of it is judged."""
    pollutant = pollutants.get(load.parameter)
    standard = pollutant.standard
    return {
        "parameter": pollutant.code,
        "name": pollutant.name,
        "label": pollutant.label,
        "note": pollutant.note,
        "unit": pollutant.display_unit,
        "synthetic": load.synthetic,
        "loaded_at": load.committed_at.isoformat(timespec="seconds"),
        "daily_metric": pollutant.daily_label,
        "standard": {
            "level": _shown(pollutant, standard.level),
            "edition": standard.edition,
            "text": standard.text,
        },
        "aqi_edition": pollutant.aqi.edition if pollutant.aqi else None,
    }


def _of_load(at: At, load: Load, place: tuple[float, float]) -> dict[str, Any]:
    """Describe a load: its pollutant, and what is wanting in its figures at a place."""
    return _described(load) | {
        "incomplete_days": [day.isoformat() for day in load.incomplete_days],
        "uncorrected_monitors": uncorrected(at, load, place),
    }


def uncorrected(at: At, load: Load, place: tuple[float, float]) -> list[dict[str, Any]]:
    """Return the monitors a place's year rests on whose T640 hours EPA has not corrected.

    The nearest first, each with the number of such hours.
    """
    if not load.uncorrected:
        return []
    hours = queries.uncorrected(at.reader, load)
    used = nearby.air(at.reader, load.parameter, load.year, place).used()
    return [
        {"site": site, "year": load.year, "hours": hours[site]} for site in used if site in hours
    ]


def _pollutant(
    at: At, load: Load, year: YearOfMonths | None, place: tuple[float, float]
) -> dict[str, Any]:
    pollutant = pollutants.get(load.parameter)
    months = _months(pollutant, year, at.expected_errors(load)) if year else []
    return _of_load(at, load, place) | {"summary": _summary(months), "months": months}


def _pollutant_at_point(at: At, load: Load) -> dict[str, Any]:
    pollutant = pollutants.get(load.parameter)
    found = _measured(at, load)
    months = _year_of_months(load, pollutant, found) if found.months else None
    answer = _pollutant(at, load, months, at.point)
    summary = answer["summary"]
    near = summary and summary["nearest_km"] <= REACH_KM
    days_above = summary["days_above_standard"] if summary else 0
    rank = current_app.extensions["ranks"].rank(load, days_above) if near else None
    return {
        "sentence": sentence(pollutant, load.year, summary, rank),
        **answer,
        "zip_codes": rank
        and {"more_days": rank.more, "as_many_days": rank.alike, "fewer_days": rank.fewer},
        "days": _days(at, load, found) if summary else [],
        "years": _years(at, pollutant),
        "monitors": _monitors(found),
    }


def _measured(at: At, load: Load, months: Sequence[int] = range(1, 13)) -> nearby.Air:
    # Real hours are not made of made-up ones.
    beyond = [
        other.year
        for other in at.of(load.parameter)
        if abs(other.year - load.year) == 1 and (load.synthetic or not other.synthetic)
    ]
    return nearby.air(at.reader, load.parameter, load.year, at.point, months, beyond)


def _year_of_months(load: Load, pollutant: Pollutant, found: nearby.Air) -> YearOfMonths:
    """The months at the point, in the shape of the grid's."""
    rows = np.concatenate([point.figures(pollutant, found.months.get(n)) for n in range(1, 13)])
    columns = {
        name: tuple(
            tuple(value) if isinstance(value, list) else value for value in rows[name].tolist()
        )
        for name in rows.dtype.names or ()
    }
    return YearOfMonths(
        load.parameter,
        load.year,
        **{name: tuple(_finite(value) for value in values) for name, values in columns.items()},
    )


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _days(at: At, load: Load, found: nearby.Air) -> list[dict[str, Any]]:
    """The year's days; a day without a value has None, as has one that no monitor reaches."""
    pollutant = pollutants.get(load.parameter)
    errors = at.expected_errors(load)
    first = date(load.year, 1, 1)
    daily = np.full((date(load.year, 12, 31) - first).days + 1, np.nan)
    rests_on: dict[int, dict[str, Any]] = {}
    for number in range(1, 13):
        month = found.months.get(number)
        if month:
            begin = (date(load.year, number, 1) - first).days
            daily[begin : begin + len(month.daily)] = month.daily
        nearest_km = month.nearest_km if month else None
        rests_on[number] = {
            "nearest_km": _rounded(nearest_km),
            "expected_error": _shown(pollutant, expected(errors, DAILY, nearest_km, number)),
        }
    rows = zip(
        daily.tolist(),
        metrics.aqi(pollutant, daily).tolist(),
        metrics.category(pollutant, daily).tolist(),
        metrics.above(pollutant, daily).tolist(),
        strict=True,
    )
    return [
        {
            "date": day.isoformat(),
            "value": _shown(pollutant, _finite(value)),
            "above_standard": above,
            "aqi": aqi if aqi >= 0 else None,
            "category": AQI_CATEGORIES[category] if category >= 0 else None,
            **rests_on[day.month],
        }
        for number, (value, aqi, category, above) in enumerate(rows)
        for day in (first + timedelta(number),)
    ]


def _years(at: At, pollutant: Pollutant) -> list[dict[str, Any]]:
    """All loaded years at the nearest grid point: the trend needs them at once, and quickly."""
    loads = {load.year: load for load in at.of(pollutant.code)}
    found = queries.cell_years(at.reader, at.nearest.cell, list(loads.values()))
    return [
        {
            "year": year.year,
            "synthetic": loads[year.year].synthetic,
            "months": sum(n > 0 for n in year.hours),
            **{name: summary[name] for name in OF_A_YEAR},
        }
        for year in sorted(found, key=lambda year: year.year)
        for errors in (at.expected_errors(loads[year.year]),)
        for summary in (_summary(_months(pollutant, year, errors)),)
        if summary
    ]


def _monitors(found: nearby.Air) -> list[dict[str, Any]]:
    """The monitors that any month rests on, the nearest first, with the months of each."""
    used, stations = found.used(), found.stations
    return [
        {
            "site": site,
            "latitude": float(stations.latitude[number]),
            "longitude": float(stations.longitude[number]),
            "distance_km": round(float(stations.distance_km[number]), 2),
            "months": used[site],
        }
        for number, site in enumerate(stations.sites)
        if site in used
    ]


def _months(
    pollutant: Pollutant, year: YearOfMonths, errors: ExpectedErrors
) -> list[dict[str, Any]]:
    def expected_error(quantity: str, month: int) -> float | None:
        nearest_km = year.nearest_km[month]
        return _shown(pollutant, expected(errors, quantity, nearest_km, month + 1))

    return [
        {
            "month": month + 1,
            "hourly_mean": _shown(pollutant, year.hourly_mean[month]),
            "hours": year.hours[month],
            "daily": {
                "mean": _shown(pollutant, year.daily_mean[month]),
                "median": _shown(pollutant, year.daily_median[month]),
                "p95": _shown(pollutant, year.daily_p95[month]),
                "max": _shown(pollutant, year.daily_max[month]),
                "days": year.days[month],
                "days_above_standard": year.days_above[month],
                "aqi_days": dict(zip(AQI_CATEGORIES, year.aqi_days[month], strict=True))
                if pollutant.aqi
                else None,
            },
            "stations": year.stations[month],
            "nearest_km": _rounded(year.nearest_km[month]),
            "estimate": (year.nearest_km[month] or 0) > REACH_KM,
            "expected_error": {
                "hourly_mean": expected_error(MONTH, month),
                "hour": expected_error(HOURS, month),
                "day": expected_error(DAILY, month),
            },
        }
        for month in range(12)
    ]


def _summary(months: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The year as a whole; None where no month has a value."""
    known = [month for month in months if month["hourly_mean"] is not None]
    if not known:
        return None
    hours = sum(month["hours"] for month in known)
    aqi_days = [month["daily"]["aqi_days"] for month in known if month["daily"]["aqi_days"]]
    return {
        "hourly_mean": _rounded(
            sum(month["hourly_mean"] * month["hours"] for month in known) / hours
        ),
        "hours": hours,
        "daily_mean": _daily_mean(known),
        "days": sum(month["daily"]["days"] for month in known),
        "days_above_standard": sum(month["daily"]["days_above_standard"] for month in known),
        "aqi_days": {name: sum(days[name] for days in aqi_days) for name in AQI_CATEGORIES}
        if aqi_days
        else None,
        "nearest_km": min(
            month["nearest_km"] for month in known if month["nearest_km"] is not None
        ),
        "months_estimated": sum(month["estimate"] for month in known),
        "expected_error": {name: _expected_error(known, name) for name in ("hourly_mean", "day")},
    }


def _daily_mean(months: Sequence[dict[str, Any]]) -> float | None:
    """The mean of the daily metric over all days that have one."""
    daily = [month["daily"] for month in months if month["daily"]["days"]]
    days = sum(each["days"] for each in daily)
    return _rounded(sum(each["mean"] * each["days"] for each in daily) / days) if days else None


def _expected_error(months: Sequence[dict[str, Any]], quantity: str) -> float | None:
    """The root mean square over months: of a day of any of them, or of the mean of all of them.

    Of the mean it is the most to be expected: as if the months erred all in one direction.
    """
    errors = [month["expected_error"][quantity] for month in months]
    hours = [month["hours"] for month in months]
    if None in errors:
        return None
    squares = sum(n * error**2 for n, error in zip(hours, errors, strict=True))
    return _rounded(sqrt(squares / sum(hours)))


def _shown(pollutant: Pollutant, value: float | None) -> float | None:
    """A concentration in the display unit, without digits that a `real` does not have."""
    return None if value is None else _rounded(value * pollutant.display_factor)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
