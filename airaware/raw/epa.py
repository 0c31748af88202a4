"""EPA's hourly files: names, columns, and checks of a whole file.

The format: https://aqs.epa.gov/aqsweb/airdata/FileFormats.html, "Hourly Data Files". Columns go by
the header's names: files made around 2014 have 23 of them, today's 24.
"""

import csv
import hashlib
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from airaware.errors import AirAwareError
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import POLLUTANTS, get

COLUMNS_24 = (
    "State Code", "County Code", "Site Num", "Parameter Code", "POC", "Latitude", "Longitude",
    "Datum", "Parameter Name", "Date Local", "Time Local", "Date GMT", "Time GMT",
    "Sample Measurement", "Units of Measure", "MDL", "Uncertainty", "Qualifier", "Method Type",
    "Method Code", "Method Name", "State Name", "County Name", "Date of Last Change",
)  # fmt: skip
COLUMNS_23 = tuple(name for name in COLUMNS_24 if name != "Method Code")
VALUE = "Sample Measurement"
NUMBERS = ("POC", "Latitude", "Longitude", VALUE)
TEXTS = (
    "State Code", "County Code", "Site Num", "Parameter Code", "Date Local", "Time Local",
    "Units of Measure", "Qualifier",
)  # fmt: skip
METHOD = "Method Code"
CHANGED = "Date of Last Change"
# The columns that name a site, and how long each code is.
SITE_CODES = {"State Code": 2, "County Code": 3, "Site Num": 4}

# The mark of files that `airaware.raw.synthetic` made: how the zip's own comment begins.
SYNTHETIC_COMMENT = b"synthetic"
# Larger ones take longer: memory comes from the system for each anew, page by page.
BLOCK_BYTES = 8 << 20
# What zipfile is asked for at once. It joins more from several reads, and copies it.
PART_BYTES = 1 << 18
# What zipfile and csv say of damaged bytes: also that a version or a cipher is not theirs to read.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, UnicodeDecodeError, csv.Error,
)  # fmt: skip
FIRST_ROWS = 100


class BadFileError(AirAwareError):
    """A file that is not what its name says, and why; for readers of the raw store."""

    def __init__(self, name: str, why: str) -> None:
        """Name the file, say what is wrong with it, and what to do."""
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


def key_of(name: str) -> tuple[int, int] | None:
    """Return the parameter and year of a file's name; None where it is not one of EPA's hourly."""
    match = re.fullmatch(r"hourly_([0-9]{5})_([0-9]{4})\.zip", name)
    if match is None or int(match[1]) not in POLLUTANTS:
        return None
    return int(match[1]), int(match[2])


def check_file(path: Path, parameter: int, year: int) -> FileInfo:
    """Check a whole file: zip structure, CRC, header, and what its first rows say they are.

    A file with only a header has no rows that year, and is sound. Raises BadFileError that names
    the file, what is wrong with it, and what to do.
    """
    with open_csv(path) as (archive, member), archive.open(member) as stream:
        for _ in parts(stream):
            pass  # The CRC is checked at the end.
    return identify(path, parameter, year)


def identify(path: Path, parameter: int, year: int) -> FileInfo:
    """As `check_file`, but for the CRC, which whoever reads the rows checks on the way."""
    with open_csv(path) as (archive, member):
        with archive.open(member) as stream:
            has_rows = _check_first_rows(path, stream, get(parameter), year)
        synthetic = archive.comment.startswith(SYNTHETIC_COMMENT)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileInfo(path.stat().st_size, sha256, synthetic, has_rows)


@contextmanager
def open_csv(path: Path) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    """Open the zip and its one CSV member; raise BadFileError for what zipfile complains of."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
            if len(members) != 1 or not members[0].file_size:
                raise zipfile.BadZipFile("it does not hold one CSV file with a header")
            yield archive, members[0]
    except UNREADABLE as error:
        raise BadFileError(path.name, f"not a whole zip of EPA's ({error})") from None


def parts(stream: IO[bytes], size: int | None = None) -> Iterator[bytes]:
    """Yield the next `size` bytes of a zip's member, or all, in parts."""
    left = sys.maxsize if size is None else size
    while part := stream.read(min(left, PART_BYTES)):
        left -= len(part)
        yield part


def read_header(path: Path, line: bytes) -> list[str]:
    """Return the columns' names; AirAwareError where one is doubled, or missing and needed."""
    header = next(csv.reader([line.decode("utf-8-sig", "replace")]), [])
    missing = [name for name in (*TEXTS, *NUMBERS) if name not in header]
    if missing:
        raise BadFileError(path.name, f"line 1: no column {', '.join(missing)}")
    doubled = [name for name, times in Counter(header).items() if times > 1]
    if doubled:
        raise BadFileError(path.name, f"line 1: more than one column {', '.join(doubled)}")
    return header


def _check_first_rows(path: Path, stream: IO[bytes], pollutant: Pollutant, year: int) -> bool:
    """Check the header and the first rows; return whether there are any."""
    header = read_header(path, stream.readline())
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
