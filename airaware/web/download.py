"""Hours at an exact place as a file: CSV or Parquet, of any span, sent year by year as it is made.

The file says by itself what it holds: in CSV in lines that begin with "#", in Parquet in the
schema's metadata.
"""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airaware.science.accuracy import HOURS, SEASONS
from airaware.store import nearby, queries
from airaware.store.queries import Load
from airaware.web import answer
from airaware.web.asking import At, Span
from airaware.web.certainty import expected

HOUR = "hour"  # its beginning
VALUE = "value"
ERROR = "expected_error"  # root mean square, of an hour so far from the nearest monitor
NEAREST = "nearest_km"
SCHEMA = pa.schema(
    [(HOUR, pa.timestamp("s")), *((name, pa.float64()) for name in (VALUE, ERROR, NEAREST))]
)


def about(at: At, span: Span) -> dict[str, str]:
    """What a file holds: by name, in words. Raises NoZoneError where no database answers."""
    pollutant = span.pollutant
    loads = [
        load for load in at.of(pollutant.code) if span.first.year <= load.year <= span.last.year
    ]
    sources = queries.sources(at.reader, pollutant.code, [load.year for load in loads])
    made_up = [str(load.year) for load in loads if load.synthetic]
    facts = {
        "title": f"{pollutant.label}, hour by hour, {span.first} to {span.last}",
        "place": f"{at.place.label} ({at.place.latitude:.5f}, {at.place.longitude:.5f})",
        "precision": f"{at.place.precision_km:g} km: {at.place.precision}",
        "pollutant": f"{pollutant.name} (EPA parameter {pollutant.code})",
        "unit": pollutant.display_unit,
        HOUR: f"beginning of the hour, local standard time all year: UTC{at.utc_offset}",
        "utc_offset": at.utc_offset,
        ERROR: "root mean square error to expect of the hour's value, in the same unit",
        NEAREST: "distance to the nearest monitor that reported in the month; beyond 48.28 km"
        " (30 miles) the value is an estimate, far from any monitor",
        "method": answer.METHOD,
        "source": "US EPA, AirData: "
        + "; ".join(f"{source.input_name} (SHA-256 {source.input_sha256})" for source in sources),
        "monitors": "; ".join(_monitors(at, span, load.year) for load in loads),
        "expected error": "; ".join(_errors(at, span, load) for load in loads),
        "made": f"{datetime.now(UTC):%Y-%m-%d}, by AirAware; an estimate, not a regulatory finding",
    }
    measured = [each for load in loads for each in answer.uncorrected(at, load, at.point)]
    if measured:
        sites = ", ".join(
            f"{each['site']} ({each['hours']} hours, {each['year']})" for each in measured
        )
        facts["uncorrected"] = f"{sites}: {answer.UNCORRECTED}"
    if made_up:
        facts["synthetic"] = f"{', '.join(made_up)}: made up by a program; not the real air"
    return facts


def _monitors(at: At, span: Span, year: int) -> str:
    found = nearby.stations(at.reader, span.pollutant.code, year, at.point)
    named = (
        f"{site} at {km:.1f} km"
        for site, km in zip(found.sites[:5], found.distance_km[:5].tolist(), strict=True)
    )
    return f"{year}: {len(found.sites)} within 100 miles; {', '.join(named) or 'none'}"


def _errors(at: At, span: Span, load: Load) -> str:
    """The error to expect of an hour so far from the nearest monitor, by season."""
    found = nearby.stations(at.reader, load.parameter, load.year, at.point)
    errors = at.expected_errors(load)
    nearest_km = float(found.distance_km[0]) if found.sites else None
    by_season = {
        name: expected(errors, HOURS, nearest_km, months[0]) for name, months in SEASONS.items()
    }
    listed = ", ".join(
        f"{name} {error * span.pollutant.display_factor:.3g}"
        for name, error in by_season.items()
        if error is not None
    )
    return f"{load.year}: {listed or 'not known'} (root mean square)"


def as_csv(at: At, span: Span, facts: dict[str, str]) -> Iterator[str]:
    """The pieces of the CSV file; hours without a value have an empty one."""
    yield "".join(f"# {name}: {text}\n" for name, text in facts.items())
    yield ",".join(SCHEMA.names) + "\n"
    for hours, *columns in _pieces(at, span):
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        shown = (
            ["" if np.isnan(value) else f"{value:.5g}" for value in column.tolist()]
            for column in columns
        )
        writer.writerows(zip(np.datetime_as_string(hours, "m").tolist(), *shown, strict=True))
        yield lines.getvalue()


def as_parquet(at: At, span: Span, facts: dict[str, str]) -> Iterator[bytes]:
    """The pieces of the Parquet file, a row group per year; hours without a value are null."""
    sink = _Sink()
    with pq.ParquetWriter(sink, SCHEMA.with_metadata(facts)) as writer:
        for columns in _pieces(at, span):
            arrays = [pa.array(column, from_pandas=True) for column in columns]  # NaN becomes null
            writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
            yield sink.taken()
    yield sink.taken()


def _pieces(at: At, span: Span) -> Iterator[tuple[np.ndarray, ...]]:
    """The columns of SCHEMA, concentrations in the display unit, year by year."""
    factor = span.pollutant.display_factor
    begin = np.datetime64(span.first, "s")
    for year in answer.measured_hours(at, span):
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
