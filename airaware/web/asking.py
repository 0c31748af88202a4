"""A request's arguments -> what is asked: places, years, days, pollutants."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, wraps
from typing import ParamSpec, TypeVar

import numpy as np
from flask import current_app, g
from werkzeug.datastructures import MultiDict

from airaware.errors import AirAwareError
from airaware.gazetteer.results import COVERED
from airaware.science import pollutants, utc_offsets
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import DEFAULT_PARAMETERS
from airaware.store import queries
from airaware.store.memory import Memory
from airaware.store.queries import Load, Nearest, Served
from airaware.web.certainty import ExpectedErrors
from airaware.web.errors import (
    BadDateError,
    BadNumberOfPlacesError,
    BadParameterError,
    BadYearError,
    VisitorError,
    YearNotLoadedError,
)
from airaware.web.geocode import CENSUS_TIMEOUT_SECONDS, OutsideUSError, Place
from airaware.web.rank import Rank, state_at

FIRST_YEAR = min(pollutant.first_year for pollutant in pollutants.POLLUTANTS.values())
MAX_DAYS = 366  # in one answer of the API; a download may be of any length
WEEK_DAYS = 7
MOST_PLACES = 4  # side by side
TRIES = 3  # swaps come minutes apart

Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")


def this_year() -> int:
    """Return the year that it is, in UTC."""
    return datetime.now(UTC).year


@dataclass(frozen=True)
class At:
    """A place, its grid cell, and all that the store serves; and the ways to the store.

    The ways go with it, since files are still made when the request's context has gone.
    """

    reader: Memory
    expected_errors: Callable[[Load], ExpectedErrors]
    ranks: Callable[[Load, float, str], list[Rank]]
    ranges: Callable[[Load], np.ndarray]
    place: Place
    nearest: Nearest

    @property
    def loads(self) -> tuple[Load, ...]:
        """All loads, of every parameter and year."""
        return self.nearest.served.loads

    @property
    def point(self) -> tuple[float, float]:
        """Latitude and longitude in degrees."""
        return self.place.latitude, self.place.longitude

    @cached_property
    def state(self) -> str:
        """The state whose ZIP codes it is ranked among: its two letters."""
        return state_at(*self.point)

    @property
    def utc_offset(self) -> str:
        """What the place's standard time is from UTC, as -06:00; all year."""
        hours = utc_offsets.at(*self.point)
        return f"{hours:+03}:00"

    def years(self, parameter: int | None = None) -> list[int]:
        """Return the years that are loaded, ascending: of one parameter, or of any."""
        return sorted({load.year for load in self.loads if parameter in (None, load.parameter)})

    def parameters(self) -> list[Pollutant]:
        """Return the pollutants that any year is loaded of."""
        return [pollutants.get(code) for code in sorted({load.parameter for load in self.loads})]

    def of_year(self, year: int) -> list[Load]:
        """Return the loads of a year by parameter."""
        return [load for load in self.loads if load.year == year]

    def of(self, parameter: int) -> list[Load]:
        """Return the loads of a parameter by year."""
        return [load for load in self.loads if load.parameter == parameter]

    def within(self, span: "Span") -> list[Load]:
        """Return the loads of a span's pollutant whose years it touches, by year."""
        years = range(span.first.year, span.last.year + 1)
        return [load for load in self.of(span.pollutant.code) if load.year in years]


@dataclass(frozen=True)
class Span:
    """Days of one pollutant, both ends included."""

    pollutant: Pollutant
    first: date
    last: date


def at(address: str) -> At:
    """Return the place of an address. Raises a VisitorError, or NoZoneError without a database.

    The address is kept in `g` while the request lasts: the error page shows it.
    """
    g.address = address
    deadline = g.setdefault("census_deadline", time.monotonic() + sum(CENSUS_TIMEOUT_SECONDS))
    ways = current_app.extensions
    place = ways["geocoder"].locate(address, deadline)
    nearest = queries.nearest(served(), place.latitude, place.longitude)
    if nearest is None:
        raise OutsideUSError(COVERED)
    if not nearest.served.loads:
        raise not_loaded("No year has been loaded yet: `fab submit-year` loads one.", [])
    return At(
        ways["reader"], ways["expected_errors"], ways["ranks"], ways["ranges"], place, nearest
    )


def served() -> Served:
    """Return all that the store serves, and note for `settled` that the answer rests on it."""
    found: Served = current_app.extensions["reader"].served()
    g.setdefault("served", set()).add(found)
    return found


def settled(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Make a view that rests on loads mix no two of a year.

    Where a load was swapped in, or another zone took over, since the look that it began with, it
    reads again: also before it says that something is not there. One that found all in memory
    needs no look of its own.
    """

    @wraps(view)
    def read(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        reader: Memory = current_app.extensions["reader"]
        for left in reversed(range(TRIES)):
            g.served = set()
            try:
                answer, now = reader.settled(lambda: view(*arguments, **named))
            except VisitorError:
                if not left or not g.served or g.served == {reader.served()}:
                    raise
            else:
                if g.served <= {now}:
                    break
        return answer

    return read


def addresses(arguments: MultiDict[str, str]) -> list[str]:
    """Return the addresses named, at most MOST_PLACES. Raises BadNumberOfPlacesError."""
    named = arguments.getlist("address")
    if len(named) > MOST_PLACES:
        raise BadNumberOfPlacesError(f"At most {MOST_PLACES} places fit side by side.")
    return named


def year(text: str) -> int | None:
    """Return the year of an argument, None where it is not given. Raises BadYearError."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise BadYearError("A year has four digits, as in 2017.")
    asked = int(text)
    if not FIRST_YEAR <= asked <= this_year():
        raise BadYearError(
            f"EPA's hourly data begin in {FIRST_YEAR}; {asked} is not among their years."
        )
    return asked


def loaded_year(place: At, asked: int | None) -> int:
    """Return the year asked for, or the latest one. Raises YearNotLoadedError."""
    years = place.years()
    if asked is not None and asked not in years:
        raise not_loaded(f"There are no data for {asked} here.", years)
    return asked or years[-1]


def not_loaded(message: str, years: list[int]) -> YearNotLoadedError:
    """Return the error of a year that no zone holds.

    Raises NoZoneError where a zone that fails may hold it.
    """
    current_app.extensions["reader"].check_complete()
    return YearNotLoadedError(message, years)


def pollutant(text: str) -> Pollutant:
    """Return the pollutant of an argument, by default ozone. Raises BadParameterError."""
    try:
        return pollutants.get(int(text) if text.isascii() and text.isdigit() else -1)
    except AirAwareError as error:
        if not text:
            return pollutants.get(DEFAULT_PARAMETERS[0])
        known = str(error).partition(". ")[2]
        raise BadParameterError(f"A pollutant is named by EPA's code. {known}.") from None


def span(arguments: Mapping[str, str], place: At) -> Span:
    """Return the days `from` to `to` of `parameter`; a week where `to` is not given.

    Without `from`, the first week of July in the parameter's latest year. Raises a VisitorError.
    """
    asked = pollutant(arguments.get("parameter", ""))
    years = _loaded_years(asked, place)
    first = _day(arguments.get("from", "")) or date(years[-1], 7, 1)
    last = _day(arguments.get("to", "")) or _later(first, WEEK_DAYS - 1)
    if last < first:
        raise BadDateError(f"The last day, {last}, comes before the first, {first}.")
    if not set(years) & set(range(first.year, last.year + 1)):
        raise not_loaded(f"There are no data of {asked.label} for these days.", years)
    return Span(asked, first, last)


def day(arguments: Mapping[str, str], place: At) -> tuple[Load, date]:
    """Return the day `date` and the load of `parameter` that has it; July 1 of the latest year.

    Raises a VisitorError.
    """
    asked = pollutant(arguments.get("parameter", ""))
    years = _loaded_years(asked, place)
    found = _day(arguments.get("date", "")) or date(years[-1], 7, 1)
    if found.year not in years:
        raise not_loaded(f"There are no data of {asked.label} for {found.year} here.", years)
    return next(load for load in place.of(asked.code) if load.year == found.year), found


def _loaded_years(asked: Pollutant, place: At) -> list[int]:
    """Return the years of a pollutant that are loaded. Raises YearNotLoadedError without any."""
    years = place.years(asked.code)
    if not years:
        raise not_loaded(f"No year of {asked.label} has been loaded.", place.years())
    return years


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        if len(text) != len("2017-07-04"):  # as 20170704, which is ISO's as well
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise BadDateError("A day is written as 2017-07-04.") from None
    if not FIRST_YEAR <= day.year <= this_year():
        raise BadDateError(
            f"EPA's hourly data begin in {FIRST_YEAR}; {day} is not among their days."
        )
    return day


def _later(day: date, days: int) -> date:
    """So many days later, but in no year that does not exist yet."""
    return min(date.fromordinal(day.toordinal() + days), date(this_year(), 12, 31))
