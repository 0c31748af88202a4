"""What bad input gets, by the real command: a clear message, an exit status, and no row changed.

All bad files lie in one raw store, a year each, so that one submit meets them all.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from jobs import OZONE, Submits, staging_tables
from psycopg2 import sql

from airaware import store
from airaware.job import submit
from airaware.raw import epa
from airaware.settings import Zone
from airaware.store.load import TABLES
from airaware.store.manifest import Held, held

Row = dict[str, str]
HOURS = 200


def sound_rows(year: int) -> list[Row]:
    """Some days of one monitor in Cook County."""
    begin = datetime(year, 7, 1, tzinfo=UTC)
    row = dict.fromkeys(epa.COLUMNS_24, "") | {
        "State Code": "17",
        "County Code": "031",
        "Site Num": "4201",
        "Parameter Code": str(OZONE),
        "POC": "1",
        "Latitude": "42.139996",
        "Longitude": "-87.799227",
        "Sample Measurement": "0.041",
        "Units of Measure": "Parts per million",
    }
    return [
        row
        | {
            "Date Local": f"{begin + timedelta(hours=hour):%Y-%m-%d}",
            "Time Local": f"{begin + timedelta(hours=hour):%H:%M}",
        }
        for hour in range(HOURS)
    ]


def zipped(rows: Iterable[Row], columns: Iterable[str] = epa.COLUMNS_24) -> bytes:
    """The rows as a zip like EPA's."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hourly.csv", text.getvalue())
    return memory.getvalue()


def all_with(rows: list[Row], column: str, value: str) -> bytes:
    return zipped(row | {column: value} for row in rows)


def with_bad_rows(rows: list[Row], bad: Iterable[Row]) -> bytes:
    """The rows, of which the last ones are bad in these ways."""
    bad = list(bad)
    return zipped(
        [
            *rows[: -len(bad)],
            *(row | wrong for row, wrong in zip(rows[-len(bad) :], bad, strict=True)),
        ]
    )


def empty_zip(_: list[Row]) -> bytes:
    memory = io.BytesIO()
    zipfile.ZipFile(memory, "w").close()
    return memory.getvalue()


def truncated(rows: list[Row]) -> bytes:
    whole = zipped(rows)
    return whole[: len(whole) * 2 // 3]


def corrupt(rows: list[Row]) -> bytes:
    """A zip with a CRC that is not its file's: rows are read before that is found."""
    whole = zipped(rows)
    crc = zipfile.ZipFile(io.BytesIO(whole)).infolist()[0].CRC
    return whole.replace(crc.to_bytes(4, "little"), (crc ^ 1).to_bytes(4, "little"))


def without(column: str) -> Callable[[list[Row]], bytes]:
    return lambda rows: zipped(rows, (name for name in epa.COLUMNS_24 if name != column))


def renamed(column: str, name: str) -> Callable[[list[Row]], bytes]:
    return lambda rows: zipped(
        (row | {name: row[column]} for row in rows),
        (name if each == column else each for each in epa.COLUMNS_24),
    )


SINGLE_BAD_ROWS = [
    {"Sample Measurement": "high"},
    {"Latitude": "0", "Longitude": "0"},
    {"Sample Measurement": "1e30"},
    {"Latitude": "48.8566", "Longitude": "2.3522"},
    {"Time Local": "24:00"},
    {"Date Local": f"{date(2002, 7, 1):%Y-%m-%d}", "Time Local": "00:00"},
]
MANY_BAD_ROWS = [{"Sample Measurement": ""}] * (HOURS // 10)

WHOLE = "not a whole zip of EPA's"
# The year of each bad file, what is wrong with it, and what the submit says of it.
BAD = {
    1990: (truncated, WHOLE),
    1991: (corrupt, f"{WHOLE}.*CRC"),
    1992: (empty_zip, f"{WHOLE}.*one CSV file"),
    1993: (lambda _rows: b"", WHOLE),
    1994: (lambda _rows: b"<!DOCTYPE html><html><body>Not found</body></html>", WHOLE),
    1995: (without("Latitude"), "line 1: no column Latitude"),
    1996: (renamed("Sample Measurement", "Value"), "line 1: no column Sample Measurement"),
    1997: (lambda rows: all_with(rows, "Parameter Code", "88101"), "Parameter Code is '88101'"),
    1998: (lambda rows: all_with(rows, "Date Local", "2013-07-01"), "Date Local is '2013'"),
    1999: (
        lambda rows: all_with(rows, "Units of Measure", "Parts per billion"),
        "Units of Measure is 'Parts per billion', 'Parts per million' was expected",
    ),
    2000: (
        lambda rows: with_bad_rows(rows, MANY_BAD_ROWS),
        r"20 of 200 rows are bad, more than AIRAWARE_MAX_BAD_ROWS \(5%\):"
        r".*20 unparsable number.*Nothing was loaded",
    ),
}
YEARS = f"{min(BAD)}-{max(BAD)}"
# What reaches the zones before it fails, must leave there what was loaded before.
LOADED = (1991, 2000)
EMPTY = 2001
ACCEPTED = (2000, EMPTY, 2002)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


@pytest.fixture(scope="module")
def refused(
    raw: Path, submits: Submits, zones: tuple[Zone, ...]
) -> tuple[int, str, list[list], list[list]]:
    """A submit of all bad files: exit status, what it said, and the zones before and after."""
    for year in LOADED:
        (raw / epa.file_name(OZONE, year)).write_bytes(zipped(sound_rows(year)))
    assert submits.run(raw, ",".join(map(str, LOADED)), [OZONE])[0] == 0
    for year, (spoil, _) in BAD.items():
        (raw / epa.file_name(OZONE, year)).write_bytes(spoil(sound_rows(year)))
    before = [contents(zone) for zone in zones]
    status, said = submits.run(raw, YEARS, [OZONE])
    return status, said, before, [contents(zone) for zone in zones]


def contents(zone: Zone) -> list[Held | int | None]:
    """All that is in a zone: the loaded years, and the number of rows of each table."""
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        rows = []
        for table in (*TABLES, "load"):
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            rows.append(cursor.fetchone()[0])
    return [*(held(zone, OZONE, year) for year in LOADED), *rows]


@pytest.mark.parametrize(("year", "told"), [(year, told) for year, (_, told) in BAD.items()])
def test_each_bad_file_is_named_with_what_is_wrong(refused, year, told):
    lines = [line for line in refused[1].splitlines() if line.startswith("error: ")]
    named = [line for line in lines if epa.file_name(OZONE, year) in line]
    assert len(named) == 1, named
    (line,) = named
    assert re.search(told, line)
    assert "etch" in line  # Fetch it again.


def test_the_exit_status_tells(refused):
    assert refused[0] == 1


def test_a_table_says_what_became_of_each_file(refused):
    for year in BAD:
        assert re.search(rf"^{epa.file_name(OZONE, year)} +failed", refused[1], re.MULTILINE)


def test_not_one_row_changes(refused, zones):
    _, _, before, after = refused
    assert before == after
    assert all(year and year.whole for zone in before for year in zone[: len(LOADED)])
    assert [staging_tables(zone) for zone in zones] == [[], []]


def test_nobody_sees_a_stack_trace(refused):
    assert "Traceback" not in refused[1]
    assert "Exception" not in refused[1]
    assert "\tat " not in refused[1]


@pytest.mark.usefixtures("refused")
def test_single_bad_rows_are_counted_and_shown_and_the_limit_is_a_setting(raw, submits, zones):
    rows = with_bad_rows(sound_rows(2002), SINGLE_BAD_ROWS)
    (raw / epa.file_name(OZONE, 2002)).write_bytes(rows)
    (raw / epa.file_name(OZONE, EMPTY)).write_bytes(zipped([]))
    environ = {"AIRAWARE_MAX_BAD_ROWS": "0.1"}
    status, said = submits.run(raw, ",".join(map(str, ACCEPTED)), [OZONE], environ=environ)
    assert status == 0
    outcomes = {2000: "loaded", EMPTY: "no rows that year", 2002: "loaded"}
    for year, outcome in outcomes.items():
        assert re.search(rf"^{epa.file_name(OZONE, year)} +{outcome}$", said, re.MULTILINE)
    assert "200 rows read; excluded by rule: none; rejected as bad: 20 unparsable number" in said
    reasons = {
        "unparsable number": 1,
        "impossible value": 1,
        "unparsable date or hour": 1,
        "coordinates outside the US": 1,
        "duplicate": 1,
    }
    assert f"rejected as bad: {', '.join(f'{n} {reason}' for reason, n in reasons.items())}" in said
    for zone in zones:
        with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT rejected, excluded FROM load WHERE year = 2002")
            assert cursor.fetchone() == (reasons, {"site without coordinates": 1})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--years", "20x3"], "'20x3' is not a year"),
        (["--years", "2017-2013"], "'2017-2013' is not a year"),
        (["--years", "2013", "--parameters", "ozone"], "'ozone' is not a list of codes"),
        (["--years", "2013", "--parameters", "1"], "44201"),
        (["--years", "2003", "--parameters", "44201"], "has no hourly_44201_2003.zip.*fetch-year"),
    ],
)
def test_a_wrong_command_is_explained(arguments, told, raw, zones, monkeypatch, capsys):
    monkeypatch.setenv("AIRAWARE_RAW", str(raw))
    monkeypatch.setenv("AIRAWARE_ZONES", "; ".join(f"{zone.name}={zone.dsn}" for zone in zones))
    assert submit.main(arguments) == 1
    assert re.search(f"^error: .*{told}", capsys.readouterr().err)
