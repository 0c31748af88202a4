"""How numbers and texts are written on the pages."""

import re
from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from airaware.science.sphere import KM_PER_MILE
from airaware.web.answers import Range

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NO_VALUE = "–"


@lru_cache(maxsize=8192)
def figure(value: float | None) -> str:
    """Format a concentration as exactly as it is meaningful: 0.31, 4.2, 34.5, 120."""
    if value is None:
        return NO_VALUE
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 0.995 else 2
    return f"{value + 0.0:,.{decimals}f}"  # no -0.00 for zero


def error(value: float | None) -> str:
    """Format an error to expect: "± 3.3"."""
    return NO_VALUE if value is None else f"± {figure(value)}"


@lru_cache(maxsize=8192)
def miles(km: float) -> str:
    """Format a distance in miles: "5.3 mi"."""
    return _length(km / KM_PER_MILE, "mi")


def kilometres(km: float) -> str:
    """Format a distance in km: "8.5 km"."""
    return _length(km, "km")


def distance(km: float | None) -> str:
    """Format a distance in both: "5.3 mi (8.5 km)"."""
    return NO_VALUE if km is None else f"{miles(km)} ({kilometres(km)})"


def _length(value: float, unit: str) -> str:
    decimals = 0 if value >= 9.95 else 1 if value >= 0.95 else 2
    return f"{value:.{decimals}f} {unit}"


def count(value: int) -> str:
    """Format a count with thousands marked."""
    return f"{value:,}"


def count_range(found: Range) -> str:
    """Format a range of counts, as in "8 to 17"; one number where it has only that."""
    return f"{found.low} to {found.high}" if found.high > found.low else str(found.low)


def month(number: int) -> str:
    """Return the short name of a month, 1 for January."""
    return MONTHS[number - 1]


def years(found: Iterable[int]) -> str:
    """Format ascending years, as in "2013, 2015 to 2017"."""
    spans: list[list[int]] = []
    for year in found:
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in spans)


def code(text: str) -> Markup:
    """Return text as HTML, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


FILTERS = {
    "figure": figure,
    "error": error,
    "miles": miles,
    "km": kilometres,
    "distance": distance,
    "count": count,
    "range": count_range,
    "month": month,
    "years": years,
    "code": code,
}
