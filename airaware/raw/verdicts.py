"""EPA's rows: columns read from CSV, and a verdict on each row.

Excluded rows are left out by a rule; rejected ones are bad. A time is the beginning of its hour in
local standard time, all year.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import lru_cache, partial
from math import isfinite, nan
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from airaware.raw import gmt
from airaware.raw.epa import CHANGED, METHOD, NUMBERS, SITE_CODES, TEXTS, VALUE
from airaware.science import grid
from airaware.science.pollutant import Pollutant


class Fire(NamedTuple):
    """A qualifier of AQS's for a fire: its name there, and whether its hours count as smoke."""

    name: str
    smoke: bool


# AQS's qualifiers of fires (https://aqs.epa.gov/aqsweb/documents/codetables/qualifiers.html). I is
# for information, R asks EPA to exclude the hour; single letters are older codes. The hour is kept
# either way. The file's field holds the qualifier of the highest rank alone, so an hour of smoke
# may carry another: the count can be too low.
FIRES = {
    **dict.fromkeys(("IT", "RT"), Fire("Wildfire-U. S.", smoke=True)),
    **dict.fromkeys(("IF", "RF"), Fire("Fire - Canadian", smoke=True)),
    **dict.fromkeys(("IG", "RG"), Fire("Fire - Mexico/Central America", smoke=True)),
    **dict.fromkeys(("IM", "RM"), Fire("Prescribed Fire", smoke=True)),
    **dict.fromkeys(("IU", "RU"), Fire("Wildland Fire Use Fire-U. S.", smoke=True)),
    "E": Fire("Forest Fire", smoke=True),
    # A building, not vegetation.
    **dict.fromkeys(("IP", "RP", "F"), Fire("Structural Fire", smoke=False)),
    **dict.fromkeys(("IH", "RH"), Fire("Fireworks", smoke=False)),
}
# Codes stand alone, or before a name ("IT - Wildfire-U. S."), one or several.
_CODES = re.compile(r"(?:^|[,;|/+])\s*([A-Z0-9]{1,2})\s*(?=$|[,;|/+]|\s-)")
_CODES_ALONE = re.compile(r"[A-Z0-9]{1,2}(\s+[A-Z0-9]{1,2})+")
MAX_POC = 1000  # beyond any that EPA gives out

CANADA, MEXICO = "Canada", "Mexico"
TERRITORY = "US territory beyond the grid"
UNCORRECTED = "method replaced by a corrected one"  # found where a month's stations come together
# The site answers for the 50 states, DC and Puerto Rico.
BEYOND = dict.fromkeys(("60", "66", "69", "78"), TERRITORY) | {"CC": CANADA, "80": MEXICO}
# 873 of the sites in EPA's list (aqs_sites.zip) are at 0, 0. Blank and impossible mean the same.
UNPLACED = "site without coordinates"
EXCLUDED = (CANADA, MEXICO, TERRITORY, UNPLACED, UNCORRECTED)

BAD_LINE = "not as many columns as the header"
BAD_SITE = "unparsable site code"
BAD_NUMBER = "unparsable number"
IMPOSSIBLE = "impossible value"
BAD_TIME = "unparsable date or hour"
OTHER_YEAR = "another year"
OTHER_PARAMETER = "another parameter"
OTHER_UNIT = "another unit"
BAD_PLACE = "coordinates outside the US"
DUPLICATE = "duplicate"
REJECTED = (
    BAD_LINE, BAD_SITE, BAD_NUMBER, IMPOSSIBLE, BAD_TIME, OTHER_YEAR, OTHER_PARAMETER, OTHER_UNIT,
    BAD_PLACE, DUPLICATE,
)  # fmt: skip
READ = "rows read"

VERDICTS = ("kept", *EXCLUDED, *REJECTED)
_CODE = {verdict: code for code, verdict in enumerate(VERDICTS)}

# Python's own readers take more: 1_000, digits of other scripts, dates such as 20130615.
_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")


def read_csv(header: list[str], block: bytes, pollutant: Pollutant) -> tuple[pa.Table, int]:
    """Return the block's columns, and how many lines have not as many as the header.

    Columns come as dictionaries of texts, so that each distinct text is judged once. Measurements
    come as numbers, but as texts in a block where something is wrong.
    """
    texts = dict.fromkeys(header, pa.dictionary(pa.int32(), pa.string()))
    wanted = {*TEXTS, *NUMBERS, gmt.TIME, CHANGED}
    wanted |= {METHOD} if pollutant.uncorrected_methods else set()
    bad_lines = 0

    def skip(_: object) -> str:
        nonlocal bad_lines
        bad_lines += 1
        return "skip"

    def read(lines: bytes, types: dict[str, pa.DataType]) -> pa.Table:
        return pyarrow.csv.read_csv(
            pa.py_buffer(lines),
            pyarrow.csv.ReadOptions(column_names=header, use_threads=False, block_size=len(lines)),
            pyarrow.csv.ParseOptions(invalid_row_handler=skip),
            pyarrow.csv.ConvertOptions(
                include_columns=[name for name in header if name in wanted],
                column_types=types,
                null_values=[""],
                check_utf8=not lines.isascii(),  # text by text, it takes longer
            ),
        )

    with suppress(pa.ArrowInvalid):
        table = read(block, texts | {VALUE: pa.float64()})
        if not bad_lines:
            return table, 0
    lines = block.decode("utf-8", "replace").encode().splitlines()
    # A quote that nothing closes would take in the next line, unless a block ends between them.
    whole = [line for line in lines if line.count(b'"') % 2 == 0]
    bad_lines = len(lines) - len(whole)
    table = read(b"\n".join([*whole, b""]) or b"\n", texts)
    return table, bad_lines


def judged(table: pa.Table, name: str, judge: Callable[[str], float]) -> np.ndarray:
    """Judge each row's text, once per distinct text: (rows,)."""
    column = table.column(name).combine_chunks()
    answers = np.array([judge(text) for text in column.dictionary.to_pylist()])
    return answers[column.indices.to_numpy()] if len(column) else np.zeros(0)


def _number(text: str, blank: float) -> float:
    """Return an ASCII decimal's value, as pyarrow reads it; NaN for any other text."""
    if not text.strip(" \t"):
        return blank
    return float(text) if _NUMBER.fullmatch(text) else nan


def numbers(table: pa.Table, name: str, blank: float = nan) -> np.ndarray:
    """Return a column's numbers, float64: `blank` for empty text, not finite for what is none."""
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        return judged(table, name, partial(_number, blank=blank))
    numbers: np.ndarray = pc.fill_null(column, blank).to_numpy()
    return numbers


def day_of(year: int) -> Callable[[str], int]:
    """Date text -> day of the year from 0, or minus a verdict's code."""

    def judge(text: str) -> int:
        day = _date(text)
        if day is None:
            return -_CODE[BAD_TIME]
        return (day - date(year, 1, 1)).days if day.year == year else -_CODE[OTHER_YEAR]

    return judge


@lru_cache(maxsize=10_000)  # blocks have the same days, over and over
def _date(text: str) -> date | None:
    """Return the date that a text is, as 2013-06-15; None where it is none."""
    with suppress(ValueError):
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    return None


def newest_change(table: pa.Table, rows: np.ndarray) -> str | None:
    """Return the newest "Date of Last Change" of some rows; None where none of them has one."""
    if CHANGED not in table.column_names:
        return None
    column = table.column(CHANGED).combine_chunks()
    # Counting is several times faster than sorting, and dictionaries are short.
    used = np.flatnonzero(np.bincount(column.indices.to_numpy()[rows]))
    texts = column.dictionary.take(used).to_pylist()
    return max(filter(_date, texts), default=None)


def hour_of(text: str) -> int:
    """Time text -> hour, or minus a verdict's code. Minutes other than :00 occur."""
    match = _TIME.fullmatch(text)
    return int(match[1]) if match else -_CODE[BAD_TIME]


def gmt_hours(table: pa.Table) -> np.ndarray:
    """Return each row's GMT hour, negative where there is none."""
    if gmt.TIME not in table.column_names:
        return np.full(table.num_rows, -1)
    return judged(table, gmt.TIME, hour_of)


def _code_verdict(digits: int, text: str) -> int:
    sound = len(text) == digits and text.isascii() and text.isdecimal()
    return 0 if sound else _CODE[BAD_SITE]


def is_smoke(qualifier: str) -> bool:
    """Return whether a qualifier's text has a code that counts as smoke."""
    text = qualifier.strip()
    codes = text.split() if _CODES_ALONE.fullmatch(text) else _CODES.findall(text)
    return any(code in FIRES and FIRES[code].smoke for code in codes)


@lru_cache(maxsize=100_000)
def _place_verdict(latitude: float, longitude: float) -> int:
    if not (0 < abs(latitude) <= 90 and 0 < abs(longitude) <= 180):
        return _CODE[UNPLACED]
    return 0 if grid.in_us(latitude, longitude) else _CODE[BAD_PLACE]


def _place_verdicts(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Each row's verdict on its coordinates, asked once per run of rows of one place."""
    starts = runs(latitude, longitude)
    places = zip(latitude[starts].tolist(), longitude[starts].tolist(), strict=True)
    verdicts = [_place_verdict(*place) if all(map(isfinite, place)) else 0 for place in places]
    return np.repeat(verdicts, np.diff([*starts, len(latitude)])) if len(starts) else np.zeros(0)


def runs(*columns: np.ndarray) -> np.ndarray:
    """Where runs of rows begin that are alike in all columns."""
    changes = np.zeros(len(columns[0]), dtype=bool)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def judge(
    table: pa.Table,
    pollutant: Pollutant,
    latitude: np.ndarray,
    longitude: np.ndarray,
    poc: np.ndarray,
    value: np.ndarray,
    day: np.ndarray,
    hour: np.ndarray,
) -> np.ndarray:
    """Return each row's code in VERDICTS, 0 for kept: (rows,).

    Args:
        table: TEXTS of the rows, as `read_csv` gives them.
        pollutant: what the file is of.
        latitude: degrees, as longitude.
        longitude: not finite where it is no number, as all columns.
        poc: number of the instrument.
        value: in EPA's unit.
        day: of the year, from 0; negative: minus a verdict's code.
        hour: of the day; negative: minus a verdict's code.
    """
    units, code = pollutant.file_units, str(pollutant.code)
    verdict = np.zeros(table.num_rows, dtype=np.int64)

    def find(codes: np.ndarray) -> None:
        """Give rows without a reason theirs; the first one found stays."""
        if codes.any():
            np.copyto(verdict, codes, where=verdict == 0, casting="unsafe")

    find(judged(table, "State Code", lambda text: _CODE[BEYOND.get(text, "kept")]))
    for name, digits in SITE_CODES.items():
        find(judged(table, name, partial(_code_verdict, digits)))
    find(_place_verdicts(latitude, longitude))
    find(
        judged(table, "Parameter Code", lambda text: 0 if text == code else _CODE[OTHER_PARAMETER])
    )
    find(judged(table, "Units of Measure", lambda text: 0 if text in units else _CODE[OTHER_UNIT]))
    find(np.where(day < 0, -day, 0))
    find(np.where(hour < 0, -hour, 0))
    numbers = np.isfinite(latitude) & np.isfinite(longitude) & np.isfinite(value)
    numbers &= (poc == np.floor(poc)) & (poc >= 0) & (poc < MAX_POC)
    find(np.where(numbers, 0, _CODE[BAD_NUMBER]))
    lowest, highest = pollutant.possible
    find(np.where((value >= lowest) & (value <= highest), 0, _CODE[IMPOSSIBLE]))
    return verdict
