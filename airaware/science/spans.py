"""Years as a person writes them."""

import re
from datetime import UTC, datetime

from airaware.errors import AirAwareError

FIRST = 1980  # of EPA's hourly files


def year(text: str) -> int:
    """Return the year that "2017" means. Raises AirAwareError for anything else."""
    if not re.fullmatch("[0-9]{4}", text):
        raise AirAwareError(f"'{text}' is not a year: write four digits, as 2017")
    return _checked(int(text))


def years(text: str) -> list[int]:
    """Return the years of "2013,2015-2017", ascending. Raises AirAwareError for anything else."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{4})(?:-([0-9]{4}))?\s*", part)
        if not match or int(match[1]) > int(match[2] or match[1]):
            raise AirAwareError(f"'{text}' is not a year, a span as 1980-2017, or a list of them")
        found.update(range(_checked(int(match[1])), _checked(int(match[2] or match[1])) + 1))
    return sorted(found)


def _checked(year: int) -> int:
    last = datetime.now(UTC).year
    if not FIRST <= year <= last:
        raise AirAwareError(f"'{year}' is not a year that EPA has: {FIRST} to {last}")
    return year
