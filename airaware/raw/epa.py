"""EPA's hourly files: names, columns, checks, and zip -> station-months.

The format: https://aqs.epa.gov/aqsweb/airdata/FileFormats.html, "Hourly Data Files". A time is the
beginning of its hour in local standard time all year. Columns go by the header's names: files made
around 2014 have 23 of them, today's 24.
"""

import calendar
import csv
import hashlib
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from math import isfinite, nan
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from airaware.errors import AirAwareError
from airaware.raw import gmt
from airaware.science import grid
from airaware.science.metrics import MARGIN_HOURS
from airaware.science.pollutants import Pollutant, get

COLUMNS_24 = (
    "State Code", "County Code", "Site Num", "Parameter Code", "POC", "Latitude", "Longitude",
    "Datum", "Parameter Name", "Date Local", "Time Local", "Date GMT", "Time GMT",
    "Sample Measurement", "Units of Measure", "MDL", "Uncertainty", "Qualifier", "Method Type",
    "Method Code", "Method Name", "State Name", "County Name", "Date of Last Change",
)  # fmt: skip
COLUMNS_23 = tuple(name for name in COLUMNS_24 if name != "Method Code")
NUMBERS = ("POC", "Latitude", "Longitude", "Sample Measurement")
TEXTS = (
    "State Code", "County Code", "Site Num", "Parameter Code", "Date Local", "Time Local",
    "Units of Measure", "Qualifier",
)  # fmt: skip
METHOD = "Method Code"
# The columns that name a site, and how long each code is.
SITE_CODES = {"State Code": 2, "County Code": 3, "Site Num": 4}

# The mark of files that `airaware.raw.synthetic` made: how the zip's own comment begins.
SYNTHETIC_COMMENT = b"synthetic"
# AQS's qualifiers of fires (https://aqs.epa.gov/aqsweb/documents/codetables/qualifiers.html), each
# with whether its hours count as smoke. I is for information, R asks EPA to exclude the hour;
# single letters are older codes. The hour is kept either way. The file's field holds the qualifier
# of the highest rank alone, so an hour of smoke may carry another: the count can be too low.
FIRES = {
    "IT": True,  # Wildfire-U. S.
    "RT": True,
    "IF": True,  # Fire - Canadian
    "RF": True,
    "IG": True,  # Fire - Mexico/Central America
    "RG": True,
    "IM": True,  # Prescribed Fire
    "RM": True,
    "IU": True,  # Wildland Fire Use Fire-U. S.
    "RU": True,
    "E": True,  # Forest Fire
    "IP": False,  # Structural Fire: a building, not vegetation
    "RP": False,
    "F": False,  # Structural Fire, the older code
    "IH": False,  # Fireworks
    "RH": False,
}
# Codes stand alone, or before a name ("IT - Wildfire-U. S."), one or several.
_CODES = re.compile(r"(?:^|[,;|/+])\s*([A-Z0-9]{1,2})\s*(?=$|[,;|/+]|\s-)")
_CODES_ALONE = re.compile(r"[A-Z0-9]{1,2}(\s+[A-Z0-9]{1,2})+")
BLOCK_BYTES = 16 << 20
# What zipfile and csv say of damaged bytes: also that a version or a cipher is not theirs to read.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, UnicodeDecodeError, csv.Error,
)  # fmt: skip
FIRST_ROWS = 100
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

_VERDICTS = ("kept", *EXCLUDED, *REJECTED)
_CODE = {verdict: code for code, verdict in enumerate(_VERDICTS)}

# Python's own readers take more: 1_000, digits of other scripts, dates such as 20130615.
_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")

# Kinds of methods: those that need a correction, those that have it, and all others.
PLAIN, AS_MEASURED, CORRECTED = 0, 1, 2

# One record per run of rows of a site, instrument and month. `hour` counts from MARGIN_HOURS before
# the month's beginning. A record of month 0 carries a block's counts of rows by verdict (JSON) and
# what the rows say of their sites' clocks (`gmt.votes`), nothing else.
STATION_MONTHS = pa.schema(
    [
        ("parameter", pa.int32()),
        ("year", pa.int32()),
        ("month", pa.int32()),
        ("site", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("poc", pa.int32()),
        ("position", pa.int64()),  # in the file: the first of two duplicates stays
        ("hour", pa.binary()),  # uint16
        ("value", pa.binary()),  # float32, EPA's unit
        ("smoke", pa.binary()),  # bool
        ("method", pa.binary()),  # uint8, kinds of methods; null where all are PLAIN
        ("counts", pa.string()),
        ("gmt", pa.string()),
    ]
)


class BadFileError(AirAwareError):
    """A file that is not what its name says, and why; for readers of the raw store."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}. Fetch it again: `fab fetch-year YEAR --refresh`.")
        self.why = why


@dataclass(frozen=True)
class FileInfo:
    """A checked file: bytes, SHA-256 in hex, whether it is synthetic, and whether it has rows."""

    size: int
    sha256: str
    synthetic: bool
    has_rows: bool = True


def file_name(parameter: int, year: int) -> str:
    """EPA's name of a parameter's year: hourly_44201_2017.zip."""
    return f"hourly_{parameter}_{year}.zip"


def check_file(path: Path, parameter: int, year: int) -> FileInfo:
    """Check a whole file: zip structure, CRC, header, and what its first rows say they are.

    A file with only a header has no rows that year, and is sound. Raises BadFileError that names
    the file, what is wrong with it, and what to do.
    """
    with _open_csv(path) as (archive, member), archive.open(member) as stream:
        while stream.read(BLOCK_BYTES):
            pass  # The CRC is checked at the end.
    return identify(path, parameter, year)


def identify(path: Path, parameter: int, year: int) -> FileInfo:
    """As `check_file`, but for the CRC, which whoever reads the rows checks on the way."""
    with _open_csv(path) as (archive, member):
        with archive.open(member) as stream:
            has_rows = _check_first_rows(path, stream, get(parameter), year)
        synthetic = archive.comment.startswith(SYNTHETIC_COMMENT)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileInfo(path.stat().st_size, sha256, synthetic, has_rows)


def station_months(
    path: Path,
    parameter: int,
    year: int,
    share: int = 0,
    shares: int = 1,
    days: Collection[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Read one of `shares` equal parts of a file, in batches of STATION_MONTHS.

    A row of the first or last MARGIN_HOURS hours of a month goes to the neighbouring month as well.
    With `days` (as 2013-12-31), lines that name none of them are left out, and not even counted.
    """
    pollutant = get(parameter)
    with _open_csv(path) as (archive, member):
        with archive.open(member) as stream:
            line = stream.readline()
        header = _header(path, line)
        begin = max(len(line), member.file_size * share // shares)
        end = member.file_size * (share + 1) // shares
        with archive.open(member) as stream:
            for position, block in _lines(cast(BinaryIO, stream), begin, end):
                if days:
                    block = _naming(block, [day.encode() for day in days])
                yield _station_months(header, block, position, pollutant, year)


@contextmanager
def _open_csv(path: Path) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    """The zip and its one CSV member; whatever zip complains of becomes an AirAwareError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
            if len(members) != 1 or not members[0].file_size:
                raise zipfile.BadZipFile("it does not hold one CSV file with a header")
            yield archive, members[0]
    except UNREADABLE as error:
        raise BadFileError(path.name, f"not a whole zip of EPA's ({error})") from None


def _header(path: Path, line: bytes) -> list[str]:
    """Return the columns' names; AirAwareError where one is doubled, or missing and needed."""
    header = next(csv.reader([line.decode("utf-8-sig", "replace")]), [])
    missing = [name for name in (*TEXTS, *NUMBERS) if name not in header]
    if missing:
        raise BadFileError(path.name, f"line 1: no column {', '.join(missing)}")
    doubled = [name for name, times in Counter(header).items() if times > 1]
    if doubled:
        raise BadFileError(path.name, f"line 1: more than one column {', '.join(doubled)}")
    return header


def _check_first_rows(path: Path, stream, pollutant: Pollutant, year: int) -> bool:
    """Check the header and the first rows; return whether there are any."""
    header = _header(path, stream.readline())
    lines = [stream.readline().decode("utf-8", "replace") for _ in range(FIRST_ROWS)]
    rows = [row for row in csv.reader(filter(None, lines)) if len(row) == len(header)]
    if not rows:
        rest = iter(partial(stream.read, BLOCK_BYTES), b"")
        if not any(map(str.strip, lines)) and not any(block.strip() for block in rest):
            return False
        raise BadFileError(path.name, "line 2: no row with the header's columns")
    for name, accepted in (
        ("Parameter Code", {str(pollutant.code)}),
        ("Units of Measure", set(pollutant.file_units)),
        ("Date Local", {str(year)}),
    ):
        column = header.index(name)
        found = {row[column] for row in rows}
        if name == "Date Local":
            found = {text[:4] for text in found}
        # Single bad rows are the batch's to count; here the file is not what its name says.
        if not found & accepted:
            raise BadFileError(
                path.name,
                f"lines 2 to {len(rows) + 1}: {name} is '{sorted(found)[0]}',"
                f" '{sorted(accepted)[0]}' was expected",
            )
    return True


def _lines(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The whole lines that begin in [begin, end), in blocks, each with its position."""
    stream.seek(begin - 1)
    position = begin - 1 + len(stream.readline())
    while position < end:
        block = stream.read(min(BLOCK_BYTES, end - position))
        if not block.endswith(b"\n"):
            block += stream.readline()
        if not block:
            return
        yield position, block
        position += len(block)


def _naming(block: bytes, texts: list[bytes]) -> bytes:
    """Return the lines that hold any of the texts, in their order. No other line is looked at."""
    lines: set[tuple[int, int]] = set()
    for text in texts:
        found = block.find(text)
        while found >= 0:
            end = (block.find(b"\n", found) + 1) or len(block)
            lines.add((block.rfind(b"\n", 0, found) + 1, end))
            found = block.find(text, end)
    return b"".join(block[begin:end] for begin, end in sorted(lines))


def _read_csv(header: list[str], block: bytes) -> tuple[pa.Table, int]:
    """The block's columns and the number of lines that have not as many as the header.

    Texts come as dictionaries, so that each distinct text is judged once; so do numbers in a block
    where something is wrong.
    """
    texts = dict.fromkeys(header, pa.dictionary(pa.int32(), pa.string()))
    bad_lines = 0

    def skip(_: object) -> str:
        nonlocal bad_lines
        bad_lines += 1
        return "skip"

    def read(lines: bytes, types: dict) -> pa.Table:
        return pyarrow.csv.read_csv(
            pa.py_buffer(lines),
            pyarrow.csv.ReadOptions(column_names=header, use_threads=False, block_size=len(lines)),
            pyarrow.csv.ParseOptions(invalid_row_handler=skip),
            pyarrow.csv.ConvertOptions(
                include_columns=[
                    name for name in (*TEXTS, *NUMBERS, METHOD, gmt.TIME) if name in header
                ],
                column_types=types,
                null_values=[""],
            ),
        )

    with suppress(pa.ArrowInvalid):
        table = read(block, texts | dict.fromkeys(NUMBERS, pa.float64()))
        if not bad_lines:
            return table, 0
    lines = block.decode("utf-8", "replace").encode().splitlines()
    # A quote that nothing closes would take in the next line, unless a block ends between them.
    whole = [line for line in lines if line.count(b'"') % 2 == 0]
    bad_lines = len(lines) - len(whole)
    table = read(b"\n".join([*whole, b""]) or b"\n", texts)
    return table, bad_lines


def _judged(table: pa.Table, name: str, judge: Callable[[str], float]) -> np.ndarray:
    """What `judge` says of each row's text, asked once per distinct text."""
    column = table.column(name).combine_chunks()
    answers = np.array([judge(text) for text in column.dictionary.to_pylist()])
    return answers[column.indices.to_numpy()] if len(column) else np.zeros(0)


def _number(text: str, blank: float) -> float:
    """Return an ASCII decimal's value, as pyarrow reads it; NaN for any other text."""
    if not text.strip(" \t"):
        return blank
    return float(text) if _NUMBER.fullmatch(text) else nan


def _numbers(table: pa.Table, name: str, blank: float = nan) -> np.ndarray:
    """Return a column's numbers, float64: `blank` for empty text, not finite for what is none."""
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        return _judged(table, name, partial(_number, blank=blank))
    return pc.fill_null(column, blank).to_numpy()


def _day(year: int) -> Callable[[str], int]:
    """Date text -> day of the year from 0, or minus a verdict's code."""

    def judge(text: str) -> int:
        if not _DATE.fullmatch(text):
            return -_CODE[BAD_TIME]
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return -_CODE[BAD_TIME]
        return (day - date(year, 1, 1)).days if day.year == year else -_CODE[OTHER_YEAR]

    return judge


def _hour(text: str) -> int:
    """Time text -> hour, or minus a verdict's code. Minutes other than :00 occur."""
    match = _TIME.fullmatch(text)
    return int(match[1]) if match else -_CODE[BAD_TIME]


def _gmt_hours(table: pa.Table) -> np.ndarray:
    """Return each row's GMT hour, negative where there is none."""
    if gmt.TIME not in table.column_names:
        return np.full(table.num_rows, -1)
    return _judged(table, gmt.TIME, _hour)


def _code_verdict(digits: int, text: str) -> int:
    sound = len(text) == digits and text.isascii() and text.isdecimal()
    return 0 if sound else _CODE[BAD_SITE]


def _is_smoke(qualifier: str) -> bool:
    """Return whether a qualifier's text has a code that counts as smoke."""
    text = qualifier.strip()
    codes = text.split() if _CODES_ALONE.fullmatch(text) else _CODES.findall(text)
    return any(FIRES.get(code, False) for code in codes)


@lru_cache(maxsize=100_000)
def _place_verdict(latitude: float, longitude: float) -> int:
    if not (0 < abs(latitude) <= 90 and 0 < abs(longitude) <= 180):
        return _CODE[UNPLACED]
    return 0 if grid.in_us(latitude, longitude) else _CODE[BAD_PLACE]


def _runs(*columns: np.ndarray) -> np.ndarray:
    """Where runs of rows begin that are alike in all columns."""
    changes = np.zeros(len(columns[0]), dtype=bool)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def _station_months(
    header: list[str], block: bytes, position: int, pollutant: Pollutant, year: int
) -> pa.RecordBatch:
    table, bad_lines = _read_csv(header, block)
    poc, value = _numbers(table, "POC"), _numbers(table, "Sample Measurement")
    latitude, longitude = (_numbers(table, name, blank=0) for name in ("Latitude", "Longitude"))
    day, hour = _judged(table, "Date Local", _day(year)), _judged(table, "Time Local", _hour)
    units, code = pollutant.file_units, str(pollutant.code)
    verdict = np.zeros(table.num_rows, dtype=np.int64)

    def find(codes: np.ndarray) -> None:
        """The first reason found is the row's."""
        np.copyto(verdict, codes, where=verdict == 0, casting="unsafe")

    find(_judged(table, "State Code", lambda text: _CODE[BEYOND.get(text, "kept")]))
    for name, digits in SITE_CODES.items():
        find(_judged(table, name, partial(_code_verdict, digits)))
    find(_place_verdicts(latitude, longitude))
    find(
        _judged(table, "Parameter Code", lambda text: 0 if text == code else _CODE[OTHER_PARAMETER])
    )
    find(_judged(table, "Units of Measure", lambda text: 0 if text in units else _CODE[OTHER_UNIT]))
    find(np.where(day < 0, -day, 0))
    find(np.where(hour < 0, -hour, 0))
    numbers = np.isfinite(latitude) & np.isfinite(longitude) & np.isfinite(value)
    numbers &= (poc == np.floor(poc)) & (poc >= 0) & (poc < MAX_POC)
    find(np.where(numbers, 0, _CODE[BAD_NUMBER]))
    lowest, highest = pollutant.possible
    find(np.where((value >= lowest) & (value <= highest), 0, _CODE[IMPOSSIBLE]))

    counts = Counter({_VERDICTS[c]: int(n) for c, n in enumerate(np.bincount(verdict)) if n})
    counts[BAD_LINE] += bad_lines
    counts[READ] = table.num_rows + bad_lines

    kept = np.flatnonzero(verdict == 0)
    hour_of_year = (day[kept] * 24 + hour[kept]).astype(np.int64)
    month, hour_of_month, row = _months(year, hour_of_year)
    row = kept[row]
    ids = [table.column(name).combine_chunks() for name in SITE_CODES]
    starts = _runs(
        month, poc[row], latitude[row], longitude[row], *(c.indices.to_numpy()[row] for c in ids)
    )
    first = row[starts]
    smoke = _judged(table, "Qualifier", _is_smoke).astype(bool)[row]
    method = _methods(table, pollutant)[row]
    ends = [*starts[1:].tolist(), len(row)]
    begins = _runs(*(c.indices.to_numpy()[kept] for c in ids))
    votes = gmt.votes(
        _sites(ids, kept[begins]),
        np.column_stack([latitude, longitude])[kept[begins]],
        begins,
        hour[kept],
        _gmt_hours(table)[kept],
    )

    def pieces(values: np.ndarray) -> list[bytes | None]:
        return [values[a:b].tobytes() for a, b in zip(starts.tolist(), ends, strict=False)] + [None]

    runs = len(starts)
    return pa.record_batch(
        [
            [pollutant.code] * (runs + 1),
            [year] * (runs + 1),
            [*month[starts].tolist(), 0],
            [*_sites(ids, first), None],
            [*latitude[first].tolist(), None],
            [*longitude[first].tolist(), None],
            [*poc[first].astype(int).tolist(), None],
            [*(position + starts).tolist(), position],
            pieces(hour_of_month.astype(np.uint16)),
            pieces(value[row].astype(np.float32)),
            pieces(smoke),
            pieces(method) if method.any() else [None] * (runs + 1),
            [None] * runs + [json.dumps(counts)],
            [None] * runs + [json.dumps(votes)],
        ],
        schema=STATION_MONTHS,
    )


def _sites(ids: list[pa.DictionaryArray], rows: np.ndarray) -> list[str]:
    """Return the site of each of some rows, as 17-031-4201."""
    return ["-".join(parts) for parts in zip(*(c.take(rows).to_pylist() for c in ids), strict=True)]


def _methods(table: pa.Table, pollutant: Pollutant) -> np.ndarray:
    """Return the kind of each row's method, uint8."""
    if METHOD not in table.column_names or not pollutant.uncorrected_methods:
        return np.zeros(table.num_rows, np.uint8)
    kinds = dict.fromkeys(pollutant.uncorrected_methods, AS_MEASURED)
    kinds |= dict.fromkeys(pollutant.corrected_methods, CORRECTED)
    return _judged(table, METHOD, lambda text: kinds.get(text, PLAIN)).astype(np.uint8)


def _place_verdicts(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Each row's verdict on its coordinates, asked once per run of rows of one place."""
    starts = _runs(latitude, longitude)
    places = zip(latitude[starts].tolist(), longitude[starts].tolist(), strict=True)
    verdicts = [_place_verdict(*place) if all(map(isfinite, place)) else 0 for place in places]
    return np.repeat(verdicts, np.diff([*starts, len(latitude)])) if len(starts) else np.zeros(0)


def _months(year: int, hour_of_year: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the month, the hour in it and the row of each record: (n,) -> three of (m,), m >= n.

    The hour counts from MARGIN_HOURS before the month. A row in a month's margin comes a second
    time, for that month.
    """
    days = [calendar.monthrange(year, month)[1] for month in range(1, 13)]
    begins = np.cumsum([0, *days]) * 24
    month = np.searchsorted(begins[:-1], hour_of_year, side="right")
    before = np.flatnonzero((hour_of_year >= begins[month] - MARGIN_HOURS) & (month < 12))
    after = np.flatnonzero((hour_of_year < begins[month - 1] + MARGIN_HOURS) & (month > 1))
    months = np.concatenate([month, month[before] + 1, month[after] - 1])
    row = np.concatenate([np.arange(len(month)), before, after])
    return months, hour_of_year[row] - begins[months - 1] + MARGIN_HOURS, row
