"""Hours, days and months at an exact place as a file of any span, sent year by year as it is made.

The file says by itself what it holds: in CSV in lines that begin with "#", in Parquet in the
schema's metadata.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airaware.science.accuracy import HOURS, SEASONS
from airaware.store import nearby, queries
from airaware.store.queries import Load
from airaware.web import citation, columns, view_model
from airaware.web.asking import At, Span

SCHEMA = pa.schema(
    [(name, pa.timestamp("s") if name == "hour" else pa.float64()) for name in columns.HOURS]
)


def about(at: At, span: Span, rows: str) -> dict[str, str]:
    """Return what a file of `rows` (of columns.FILES) holds: by name, in words.

    Raises NoZoneError where no database answers.
    """
    pollutant = span.pollutant
    loads = at.within(span)
    sources = queries.sources(at.reader, pollutant.code, [load.year for load in loads])
    made_up = [str(load.year) for load in loads if load.synthetic]
    facts = {
        "title": f"{pollutant.label}, {rows}, {span.first} to {span.last}",
        "place": f"{at.place.label} ({at.place.latitude:.5f}, {at.place.longitude:.5f})",
        "precision": f"{at.place.precision_km:g} km: {at.place.precision}",
        "pollutant": f"{pollutant.name} (EPA parameter {pollutant.code})",
        "unit": pollutant.display_unit,
        "daily metric": pollutant.daily_label,
        "standard": pollutant.standard.text,
        "utc_offset": f"UTC{at.utc_offset}, the place's standard time, all year",
        **columns.FILES[rows],
        "method": view_model.METHOD,
        "source": "US EPA, AirData: "
        + "; ".join(f"{source.input_name} (SHA-256 {source.input_sha256})" for source in sources),
        "cite": "; ".join(file.cite for file in citation.sources(loads)),
        "monitors": "; ".join(_monitors(at, load) for load in loads),
        "expected error": "; ".join(_errors(at, span, load) for load in loads),
        "made": f"{datetime.now(UTC):%Y-%m-%d}, by AirAware; an estimate, not a regulatory finding",
    }
    measured = [each for load in loads for each in view_model.uncorrected(at, load, at.point)]
    if measured:
        sites = ", ".join(f"{each.site} ({each.hours} hours, {each.year})" for each in measured)
        facts["uncorrected"] = f"{sites}: {view_model.UNCORRECTED}"
    if made_up:
        facts["synthetic"] = f"{', '.join(made_up)}: made up by a program; not the real air"
    return facts


def _monitors(at: At, load: Load) -> str:
    found = nearby.stations(at.reader, load, at.point)
    named = (
        f"{site} at {km:.1f} km"
        for site, km in zip(found.sites[:5], found.distance_km[:5].tolist(), strict=True)
    )
    return f"{load.year}: {len(found.sites)} within 100 miles; {', '.join(named) or 'none'}"


def _errors(at: At, span: Span, load: Load) -> str:
    """Say the error to expect of an hour so far from the nearest monitor, by season."""
    found = nearby.stations(at.reader, load, at.point)
    errors = at.expected_errors(load)
    nearest_km = float(found.distance_km[0]) if found.sites else None
    by_season = {name: errors.of(HOURS, nearest_km, name) for name in SEASONS}
    listed = ", ".join(
        f"{name} {error * span.pollutant.display_factor:.3g}"
        for name, error in by_season.items()
        if error is not None
    )
    return f"{load.year}: {listed or 'not known'} (root mean square)"


def hours_as_csv(at: At, span: Span, facts: Mapping[str, str]) -> Iterator[str]:
    """Yield the pieces of the CSV file; hours without a value have an empty one."""
    yield _head(facts, columns.HOURS)
    for hours, *numbers in _pieces(at, span):
        shown = (
            ["" if np.isnan(number) else f"{number:.5g}" for number in column.tolist()]
            for column in numbers
        )
        yield _lines(zip(np.datetime_as_string(hours, "m").tolist(), *shown, strict=True))


def days_as_csv(at: At, span: Span, facts: Mapping[str, str]) -> Iterator[str]:
    """Yield the pieces of the CSV file of days, of the years that are loaded."""
    first, last = span.first.isoformat(), span.last.isoformat()
    yield _head(facts, columns.DAYS)
    for load in at.within(span):
        days = view_model.days_of(at, load)
        yield _rows((day for day in days if first <= day.date <= last), columns.DAYS)


def months_as_csv(at: At, span: Span, facts: Mapping[str, str]) -> Iterator[str]:
    """Yield the pieces of the CSV file of months: whole ones, of the years that are loaded."""
    first, last = f"{span.first:%Y-%m}", f"{span.last:%Y-%m}"
    yield _head(facts, columns.MONTHS)
    for load in at.within(span):
        months = (
            vars(month) | {"month": f"{load.year}-{month.month:02}"}
            for month in view_model.months_of(at, load)
        )
        yield _rows((month for month in months if first <= month["month"] <= last), columns.MONTHS)


def _head(facts: Mapping[str, str], names: Iterable[str]) -> str:
    return "".join(f"# {name}: {text}\n" for name, text in facts.items()) + _lines([tuple(names)])


def _rows(rows: Iterable[Any], names: Iterable[str]) -> str:
    found = (dict(columns.flat(row)) for row in rows)
    return _lines([row.get(name, "") for name in names] for row in found)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue()


def hours_as_parquet(at: At, span: Span, facts: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the pieces of the Parquet file, a row group per year; a missing value is null."""
    sink = _Sink()
    with pq.ParquetWriter(sink, SCHEMA.with_metadata(facts)) as writer:
        for piece in _pieces(at, span):
            arrays = [pa.array(column, from_pandas=True) for column in piece]  # NaN becomes null
            writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
            yield sink.taken()
    yield sink.taken()


def _pieces(at: At, span: Span) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the columns of SCHEMA, concentrations in the display unit, year by year."""
    factor = span.pollutant.display_factor
    begin = np.datetime64(span.first, "s")
    for year in view_model.measured_hours(at, span):
        hours = begin + np.arange(len(year.values)) * np.timedelta64(3600, "s")
        begin = hours[-1] + np.timedelta64(3600, "s")
        many = [month.hours for month in year.months]
        errors = np.array([month.expected_error for month in year.months], float)
        nearest_km = np.array([month.nearest_km for month in year.months], float)
        yield (
            hours,
            year.values * factor,
            np.repeat(errors * factor, many),
            np.repeat(nearest_km, many),
        )


class _Sink(io.RawIOBase):
    """What is written, until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        """All that was written since it was last taken."""
        pieces = b"".join(self._pieces)
        self._pieces.clear()
        return pieces
