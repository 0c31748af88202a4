"""The answer for an address: what `GET /api/v1/air` sends, and what the page shows."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Any

from flask import current_app

from airaware import pollutants
from airaware.accuracy import DAILY, HOURS, MONTH
from airaware.pollutants import AQI_CATEGORIES, Pollutant
from airaware.store import queries
from airaware.store.queries import CellYear, Nearest
from airaware.store.zones import Reader
from airaware.web.certainty import ExpectedErrors, expected
from airaware.web.errors import BadYear, YearNotLoaded
from airaware.web.geocode import KM_PER_MILE, OutsideUS, Place

# Beyond it, a month is an estimate from farther monitors.
REACH_KM = 30 * KM_PER_MILE
FIRST_YEAR = min(pollutant.first_year for pollutant in pollutants.POLLUTANTS.values())

DAILY_METRICS = {
    "max_8h": "daily maximum 8-hour mean",
    "mean_24h": "24-hour mean",
    "max_1h": "daily maximum 1-hour mean",
}


def for_request(arguments: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a request's `address` and `year` (the latest one if it is not given).

    Raises VisitorError where it cannot be answered, NoZoneError where no database answers.
    """
    reader = current_app.extensions["reader"]
    year = _year(arguments.get("year", ""))
    place = current_app.extensions["geocoder"].locate(arguments.get("address", ""))
    nearest = queries.nearest(reader, place.latitude, place.longitude)
    if nearest is None:
        raise OutsideUS("This site covers the 50 states, the District of Columbia and Puerto Rico.")
    years = sorted({load.year for load in nearest.loads})
    if not years:
        raise YearNotLoaded("No year has been loaded yet: `fab submit-year` loads one.", years)
    if year is not None and year not in years:
        raise YearNotLoaded(f"There are no data for {year} here.", years)
    return _answer(reader, place, nearest, year or years[-1])


def _year(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise BadYear("A year has four digits, as in 2017.")
    year = int(text)
    if not FIRST_YEAR <= year <= date.today().year:
        raise BadYear(f"EPA's hourly data begin in {FIRST_YEAR}; {year} is not among their years.")
    return year


def _answer(reader: Reader, place: Place, nearest: Nearest, year: int) -> dict[str, Any]:
    """The answer as JSON; distances in km, concentrations in each pollutant's `unit`."""
    loads = [load for load in nearest.loads if load.year == year]
    found = {
        cell_year.parameter: cell_year
        for cell_year in queries.cell_years(reader, nearest.cell, loads)
    }
    return {
        "place": {
            "label": place.label,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "method": place.method,
            "precision_km": place.precision_km,
            "precision": place.precision,
            "note": place.note,
        },
        "cell": {
            "id": f"{nearest.cell:x}",
            "latitude": round(nearest.latitude, 5),
            "longitude": round(nearest.longitude, 5),
            "distance_km": round(nearest.distance_km, 2),
        },
        "year": year,
        "years": sorted({load.year for load in nearest.loads}, reverse=True),
        "synthetic": any(load.synthetic for load in loads),
        "pollutants": [
            _pollutant(
                pollutants.get(load.parameter),
                load,
                found.get(load.parameter),
                current_app.extensions["expected_errors"](load),
            )
            for load in loads
        ],
    }


def _pollutant(
    pollutant: Pollutant, load: queries.Load, cell_year: CellYear | None, errors: ExpectedErrors
) -> dict[str, Any]:
    months = _months(pollutant, cell_year, errors) if cell_year else []
    standard = pollutant.standard
    return {
        "parameter": pollutant.code,
        "name": pollutant.name,
        "label": pollutant.label,
        "note": pollutant.note,
        "unit": pollutant.display_unit,
        "synthetic": load.synthetic,
        "loaded_at": load.committed_at.isoformat(timespec="seconds"),
        "daily_metric": DAILY_METRICS[pollutant.daily],
        "standard": {
            "level": _shown(pollutant, standard.level),
            "edition": standard.edition,
            "text": standard.text,
        },
        "aqi_edition": pollutant.aqi.edition if pollutant.aqi else None,
        "summary": _summary(months),
        "months": months,
    }


def _months(pollutant: Pollutant, year: CellYear, errors: ExpectedErrors) -> list[dict[str, Any]]:
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
        "days": sum(month["daily"]["days"] for month in known),
        "days_above_standard": sum(month["daily"]["days_above_standard"] for month in known),
        "aqi_days": {name: sum(days[name] for days in aqi_days) for name in AQI_CATEGORIES}
        if aqi_days
        else None,
        "nearest_km": min(
            month["nearest_km"] for month in known if month["nearest_km"] is not None
        ),
        "months_estimated": sum(month["estimate"] for month in known),
        "expected_error": {"hourly_mean": _expected_error(known)},
    }


def _expected_error(months: Sequence[dict[str, Any]]) -> float | None:
    """The most to be expected of the mean of months: as if they erred all in one direction."""
    errors = [month["expected_error"]["hourly_mean"] for month in months]
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
