"""EPA's files: each way in which a file or a row can be wrong, and what becomes of the good."""

import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airaware.errors import AirAwareError
from airaware.raw import epa
from airaware.science.metrics import MARGIN_HOURS
from airaware.science.pollutants import POLLUTANTS, get

OZONE, PM25 = 44201, 88101
SOUND = {
    "State Code": "17",
    "County Code": "031",
    "Site Num": "4201",
    "Parameter Code": "44201",
    "POC": "1",
    "Latitude": "42.139996",
    "Longitude": "-87.799227",
    "Datum": "WGS84",
    "Parameter Name": "Ozone",
    "Date Local": "2013-06-15",
    "Time Local": "13:00",
    "Date GMT": "2013-06-15",
    "Time GMT": "19:00",
    "Sample Measurement": "0.041",
    "Units of Measure": "Parts per million",
    "MDL": "0.005",
    "Uncertainty": "",
    "Qualifier": "",
    "Method Type": "FEM",
    "Method Code": "047",
    "Method Name": "INSTRUMENTAL - ULTRA VIOLET, OF A KIND",
    "State Name": "Illinois",
    "County Name": "Cook",
    "Date of Last Change": "2014-05-01",
}
BARE = {"POC", "Latitude", "Longitude", "Sample Measurement", "MDL"}


def row(**changes: str) -> dict[str, str]:
    """The sound row with other values: row(Time_Local="24:00")."""
    return SOUND | {name.replace("_", " "): value for name, value in changes.items()}


def pm_row(**changes: str) -> dict[str, str]:
    return row(
        Parameter_Code="88101", Units_of_Measure="Micrograms/cubic meter (LC)", **changes
    )  # fmt: skip


def line(fields: Mapping[str, str], columns: Iterable[str]) -> str:
    """A line as EPA writes it: numbers bare, all else quoted."""
    return ",".join(
        fields[name] if name in BARE else f'"{fields[name]}"' for name in columns
    )  # fmt: skip


def text_of(rows: Iterable[Mapping[str, str] | str], columns=epa.COLUMNS_24) -> str:
    header = ",".join(f'"{name}"' for name in columns)
    lines = (fields if isinstance(fields, str) else line(fields, columns) for fields in rows)
    return "\n".join([header, *lines, ""])


@pytest.fixture
def write(tmp_path):
    """Write a CSV's text, or rows, as EPA's zip of a parameter and year; its path."""

    def write(content, parameter=OZONE, year=2013, comment=b"") -> Path:
        path = tmp_path / epa.file_name(parameter, year)
        text = content if isinstance(content, str | bytes) else text_of(content)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = comment
            archive.writestr(path.name.replace(".zip", ".csv"), text)
        return path

    return write


def read(path: Path, parameter=OZONE, year=2013, shares=1) -> tuple[dict, Counter]:
    """A file's rows by (site, POC, month), each (hour, value, smoke) in the file's order; counts.

    Hours count from the month's beginning; those of the margin before it are negative.

    The month's place among keys that have none left is held by the counts alone.
    """
    records: list[tuple] = []
    counts: Counter[str] = Counter()
    for share in range(shares):
        for batch in epa.station_months(path, parameter, year, share, shares):
            assert batch.schema == epa.STATION_MONTHS
            for record in batch.to_pylist():
                assert (record["parameter"], record["year"]) == (parameter, year)
                if record["month"] == 0:
                    counts.update(json.loads(record["counts"]))
                    continue
                hours = np.frombuffer(record["hour"], np.uint16).astype(int) - MARGIN_HOURS
                values = np.frombuffer(record["value"], np.float32).tolist()
                smoke = np.frombuffer(record["smoke"], bool).tolist()
                key = (record["site"], record["poc"], record["month"])
                place = (record["latitude"], record["longitude"])
                found = zip(hours.tolist(), values, smoke, strict=True)
                records.append((record["position"], key, [(*item, place) for item in found]))
    months: dict[tuple, list] = {}
    for _, key, items in sorted(records, key=lambda record: record[0]):
        months.setdefault(key, []).extend(items)
    return months, +counts


def reasons(path: Path, parameter=OZONE, year=2013) -> dict[str, int]:
    """How many rows were kept or left out, by verdict."""
    counts = read(path, parameter, year)[1]
    assert counts.pop(epa.READ) == sum(counts.values())
    return dict(counts)


def f32(value: float) -> float:
    return float(np.float32(value))


# --- rows that are kept ---


def test_a_row_becomes_an_hour_of_its_month(write):
    months, counts = read(write([row()]))
    hour = 14 * 24 + 13
    place = (42.139996, -87.799227)
    assert months == {("17-031-4201", 1, 6): [(hour, f32(0.041), False, place)]}
    assert counts == {epa.READ: 1, "kept": 1}


@pytest.mark.parametrize(
    "columns",
    [epa.COLUMNS_24, epa.COLUMNS_23, epa.COLUMNS_24[::-1], (*epa.COLUMNS_24, "A New Column")],
    ids=["24", "23", "reversed", "25"],
)
def test_columns_go_by_their_names(write, columns):
    rows = [row(A_New_Column="x", Sample_Measurement=f"0.0{n}") for n in range(10, 20)]
    path = write(text_of(rows, columns))
    epa.check_file(path, OZONE, 2013)
    assert read(path) == read(write(rows))


def test_a_byte_order_mark_carriage_returns_and_a_missing_last_newline_are_no_matter(write):
    text = text_of([row(), row(Time_Local="14:00")])
    plain = read(write(text))
    odd = "\ufeff" + text.replace("\n", "\r\n").removesuffix("\r\n")
    path = write(odd.encode())
    epa.check_file(path, OZONE, 2013)
    assert read(path) == plain


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_quotes_are_no_matter(write, quoting):
    text = io.StringIO()
    writer = csv.DictWriter(text, epa.COLUMNS_24, quoting=quoting, lineterminator="\n")
    writer.writeheader()
    writer.writerows([row(), row(Method_Name='A "quoted" method, with a comma')])
    assert read(write(text.getvalue())) == read(write([row(), row()]))


def test_minutes_other_than_zero_belong_to_their_hour(write):
    assert read(write([row(Time_Local="13:59")])) == read(write([row()]))


def test_negative_values_and_values_below_the_detection_limit_are_kept(write):
    values = ["-0.012", "0", "0.0", "0.0025", "-0"]
    months, _ = read(write([row(Sample_Measurement=value) for value in values]))
    assert [item[1] for item in months["17-031-4201", 1, 6]] == [f32(float(v)) for v in values]


SMOKE = ("IT", "RT", "IF", "RF", "IG", "RG", "IM", "RM", "IU", "RU", "E")
NO_SMOKE = ("IP", "RP", "F", "IH", "RH")


@pytest.mark.parametrize(
    ("smoke", "codes"),
    [(True, SMOKE), (False, NO_SMOKE), (False, ("", "1", "V", "IJ", "EC", "EH"))],
)
def test_each_fire_code_is_counted_as_decided(write, smoke, codes):
    texts = [
        text
        for code in codes
        for text in (code, f"{code} - A name, of E or IT.", f" {code} ", f"{code},V", f"1;{code}",
                     f"2 {code}", f"V - Validated Value.; {code} - Its name.")
    ]  # fmt: skip
    months, counts = read(write([row(Qualifier=text) for text in texts]))
    assert [item[2] for item in months["17-031-4201", 1, 6]] == [smoke] * len(texts)
    assert counts["kept"] == len(texts)


def test_every_fire_code_is_decided_by_name():
    assert dict.fromkeys(SMOKE, True) | dict.fromkeys(NO_SMOKE, False) == epa.FIRES


def test_names_of_other_qualifiers_are_no_smoke(write):
    texts = ["1 - Deviation from a CFR/E Requirement.", "IL - Other, IT.", "SX - E", "Wildfire"]
    months, _ = read(write([row(Qualifier=text) for text in texts]))
    assert not any(item[2] for item in months["17-031-4201", 1, 6])


def test_the_first_morning_goes_to_the_month_before_too(write):
    times = [("2013-03-01", f"{hour:02}:00") for hour in (0, 6, 7)]
    months, counts = read(write([row(Date_Local=day, Time_Local=time) for day, time in times]))
    hours = {month: [item[0] for item in items] for (_, _, month), items in months.items()}
    assert hours == {3: [0, 6, 7], 2: [28 * 24, 28 * 24 + 6]}
    assert counts["kept"] == 3


def test_the_last_evening_goes_to_the_month_after_too(write):
    times = [("2013-02-28", f"{hour:02}:00") for hour in (16, 17, 23)]
    months, counts = read(write([row(Date_Local=day, Time_Local=time) for day, time in times]))
    hours = {month: [item[0] for item in items] for (_, _, month), items in months.items()}
    assert hours == {2: [27 * 24 + 16, 27 * 24 + 17, 27 * 24 + 23], 3: [-7, -1]}
    assert counts["kept"] == 3


def test_the_last_evening_of_the_year_goes_to_no_month_after(write):
    months, _ = read(write([row(Date_Local="2013-12-31", Time_Local="22:00")]))
    assert [month for _, _, month in months] == [12]


def test_the_first_morning_of_the_year_goes_to_no_month_before(write):
    months, _ = read(write([row(Date_Local="2013-01-01", Time_Local="03:00")]))
    assert [month for _, _, month in months] == [1]


def test_a_leap_year_has_its_day(write):
    days = ["2016-02-29", "2016-03-01", "2016-12-31"]
    path = write([row(Date_Local=day, Time_Local="00:00") for day in days], year=2016)
    months, _ = read(path, year=2016)
    hours = {month: [item[0] for item in items] for (_, _, month), items in months.items()}
    assert hours == {2: [28 * 24, 29 * 24], 3: [0], 12: [30 * 24]}


def test_instruments_and_sites_are_told_apart(write):
    rows = [row(), row(POC="2"), row(), row(Site_Num="4202"), row(Latitude="42.14")]
    months, _ = read(write(rows))
    assert {key[:2]: len(items) for key, items in months.items()} == {
        ("17-031-4201", 1): 3,
        ("17-031-4201", 2): 1,
        ("17-031-4202", 1): 1,
    }


# --- rows that are left out ---


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (epa.CANADA, "CC"),
        (epa.MEXICO, "80"),
        *((epa.TERRITORY, state) for state in ("60", "66", "69", "78")),
    ],
)
def test_rows_from_beyond_the_grid_are_excluded(write, reason, state):
    # Whatever else is wrong with them.
    rows = [row(), row(State_Code=state), row(State_Code=state, Sample_Measurement="", POC="x")]
    assert reasons(write(rows)) == {"kept": 1, reason: 2}


NO_PLACE = [
    {"Latitude": "0", "Longitude": "0"},
    {"Latitude": "0.0", "Longitude": "-0.0"},
    {"Latitude": "", "Longitude": ""},
    {"Latitude": " ", "Longitude": ""},
    {"Latitude": "0"},
    {"Longitude": "0"},
    {"Latitude": ""},
    {"Longitude": ""},
    {"Latitude": "442.13"},
    {"Latitude": "-999", "Longitude": "-999"},
    {"Longitude": "-187.8"},
    {"Latitude": "1e300"},
]


@pytest.mark.parametrize("others", [[], [row(Sample_Measurement="x")]], ids=["sound", "bad-row"])
@pytest.mark.parametrize("place", NO_PLACE, ids=str)
def test_sites_without_coordinates_are_excluded(write, place, others):
    # Whatever else is wrong with their rows, and however the block is read.
    rows = [row(), row(**place), row(**place, Sample_Measurement="-999"), *others]
    expected = {"kept": 1, epa.UNPLACED: 2} | ({epa.BAD_NUMBER: 1} if others else {})
    assert reasons(write(rows)) == expected


def test_the_highest_hours_on_record_are_kept(write):
    records = {
        (OZONE, 2013): "0.49",
        (PM25, 2013): "1044",
        (81102, 2003): "65000",
        (42401, 2013): "9000",
        (42101, 2013): "88",
    }
    for (parameter, year), value in records.items():
        highest = row(
            Parameter_Code=str(parameter),
            Units_of_Measure=get(parameter).file_units[0],
            Date_Local=f"{year}-06-15",
            Sample_Measurement=value,
        )
        path = write([highest], parameter, year)
        assert reasons(path, parameter, year) == {"kept": 1}


@pytest.mark.parametrize("parameter", POLLUTANTS)
@pytest.mark.parametrize("value", ["-999", "-9999", "99999", "1e30", "-99.9"])
def test_sentinels_are_impossible_values_of_every_pollutant(write, parameter, value):
    sentinel = row(
        Parameter_Code=str(parameter),
        Units_of_Measure=get(parameter).file_units[0],
        Sample_Measurement=value,
    )
    assert reasons(write([sentinel], parameter), parameter) == {epa.IMPOSSIBLE: 1}


@pytest.mark.parametrize("value", ["5e-05", "+0.04", ".04", " 0.04", "0.04\t", "4.0E-2", "00.04"])
def test_a_number_reads_the_same_beside_a_bad_one(write, value):
    rows = [row(Sample_Measurement=value)]
    alone, beside = read(write(rows)), read(write([*rows, row(Sample_Measurement="x")]))
    assert alone[0] == beside[0]
    assert alone[1]["kept"] == beside[1]["kept"] == 1


@pytest.mark.parametrize("columns", [epa.COLUMNS_24, epa.COLUMNS_23], ids=["24", "23"])
@pytest.mark.parametrize("parameter", [OZONE, PM25])
def test_kinds_of_methods_are_marked_of_pm25_alone(write, columns, parameter):
    methods = ("170", "236", "238", "736", "738", "636", "638")
    make = pm_row if parameter == PM25 else row
    path = write(text_of([make(Method_Code=code) for code in methods], columns), parameter)
    assert reasons(path, parameter) == {"kept": len(methods)}
    (found,) = epa.station_months(path, parameter, 2013)
    marked = parameter == PM25 and columns is epa.COLUMNS_24
    expected = bytes([epa.PLAIN, *[epa.AS_MEASURED] * 2, *[epa.CORRECTED] * 4])
    assert found.column("method").to_pylist() == [expected if marked else None, None]


BAD_ROWS = [
    *(
        (epa.BAD_NUMBER, {"Sample_Measurement": text})
        for text in (
            *("", "NaN", "nan", "NULL", "inf", "-inf", " inf", "abc", "0.04 ppm", "1e999", "0x10"),
            *(
                "1_000",
                "0.0_4",
                "\uff10.\uff10\uff14",
                "\u0660.04",
                "\u22120.04",
                ".",
                "-",
                "1e",
            ),
        )
    ),
    *(
        (epa.IMPOSSIBLE, {"Sample_Measurement": text})
        for text in ("-999", "-9999", "-99", "99999", "1e30", "-1e30", "1e39", "41")
    ),
    *((epa.BAD_NUMBER, {"POC": text}) for text in ("", "x", "1.5", "-1", "inf", "1e12", "1_0")),
    *((epa.BAD_NUMBER, {"Latitude": text}) for text in ("north", "inf", "NaN", "4_2.1", "NULL")),
    *(
        (epa.BAD_TIME, {"Date_Local": text})
        for text in (
            "",
            "2013-02-29",
            "06/15/2013",
            "2013-13-01",
            "yesterday",
            "20130615",
            "2013-W24-6",
            "\uff12013-06-15",
        )
    ),
    *(
        (epa.BAD_TIME, {"Time_Local": text})
        for text in (
            "",
            "24:00",
            "25:00",
            "12:60",
            "-1:00",
            "12",
            "noon",
            "1:2:3",
            "\uff11\uff13:00",
            "013:00",
        )
    ),
    (epa.OTHER_YEAR, {"Date_Local": "2012-12-31"}),
    (epa.OTHER_YEAR, {"Date_Local": "2014-01-01"}),
    (epa.OTHER_PARAMETER, {"Parameter_Code": "88101"}),
    (epa.OTHER_PARAMETER, {"Parameter_Code": ""}),
    (epa.OTHER_UNIT, {"Units_of_Measure": "Parts per billion"}),
    (epa.BAD_PLACE, {"Longitude": "87.799227"}),
    (epa.BAD_PLACE, {"Latitude": "51.5", "Longitude": "-0.1"}),
    (epa.BAD_SITE, {"State_Code": ""}),
    (epa.BAD_SITE, {"State_Code": "IL"}),
    (epa.BAD_SITE, {"County_Code": "31"}),
    (epa.BAD_SITE, {"Site_Num": "42 1"}),
    (epa.BAD_SITE, {"Site_Num": "\uff14201"}),
]


@pytest.mark.parametrize(
    ("reason", "changes"), BAD_ROWS, ids=[f"{c}" for _, c in BAD_ROWS]
)  # fmt: skip
def test_a_bad_row_is_rejected_and_counted_under_its_reason(write, reason, changes):
    good = [row(Time_Local=f"{hour:02}:00") for hour in range(20)]
    with_bad = [*good[:10], row(**changes), *good[10:]]
    months, counts = read(write(with_bad))
    assert counts == {epa.READ: 21, "kept": 20, reason: 1}
    assert months == read(write(good))[0]


def test_each_reason_is_counted_apart(write):
    expected = Counter(reason for reason, _ in BAD_ROWS) + Counter(kept=1)
    rows = [row(**changes) for _, changes in BAD_ROWS]
    assert reasons(write([row(), *rows])) == expected
    # Duplicates only show once a month's rows are together.
    assert set(expected) == {"kept", *epa.REJECTED} - {epa.BAD_LINE, epa.DUPLICATE}


@pytest.mark.parametrize(
    "bad",
    [
        "a,b,c",
        line(SOUND, epa.COLUMNS_24) + ',"more"',
        line(SOUND, epa.COLUMNS_23),
        line(SOUND, epa.COLUMNS_24)[:50],
        # Cut off within quotes: the line after it is none the worse.
        line(SOUND, epa.COLUMNS_24)[:13],
    ],
)
def test_a_line_with_another_number_of_columns_is_rejected(write, bad):
    good = [row(), row(Time_Local="14:00")]
    months, counts = read(write([good[0], bad, good[1]]))
    assert counts == {epa.READ: 3, "kept": 2, epa.BAD_LINE: 1}
    assert months == read(write(good))[0]


def test_bytes_that_are_no_text_spoil_their_row_alone(write):
    text = text_of([row(), row(Units_of_Measure="Parts per m?llion"), row()])
    path = write(text.encode().replace(b"?", b"\xe9"))
    assert reasons(path) == {"kept": 2, epa.OTHER_UNIT: 1}


def test_empty_lines_are_no_rows(write):
    assert reasons(write(["", row(), "", ""])) == {"kept": 1}


# --- the same, however the file is cut ---

VARIED = [
    changes | {"Site_Num": site, "POC": poc, "Date_Local": f"2013-{month}-01", "Time_Local": time}
    for site in ("4201", "0001")
    for month in ("01", "02", "12")
    for time in ("00:00", "07:00", "23:00")
    for poc, changes in (
        ("1", {}),
        ("2", {"Qualifier": "IT - Wildfire-U. S."}),
        ("1", {"Sample Measurement": "x"}),
        ("1", {"State Code": "CC", "Sample Measurement": "0.05"}),
    )
]


@settings(max_examples=40, deadline=None)
@given(
    shares=st.integers(1, 60),
    block_bytes=st.integers(1, 20_000),
    rows=st.lists(
        st.sampled_from([*(SOUND | changes for changes in VARIED), "cut,off", '"17","03', ""]),
        max_size=60,
    ),
)
def test_shares_and_blocks_do_not_change_what_is_read(
    tmp_path_factory, shares, block_bytes, rows
):  # fmt: skip
    path = tmp_path_factory.mktemp("shares") / epa.file_name(OZONE, 2013)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hourly.csv", text_of([row(), *rows]))
    whole = read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epa, "BLOCK_BYTES", block_bytes)
        assert read(path, shares=shares) == whole
    path.unlink()


# --- whole files ---


def test_a_sound_file_passes(write):
    path = write([row()])
    info = epa.check_file(path, OZONE, 2013)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert info == epa.FileInfo(path.stat().st_size, sha256, synthetic=False)
    assert epa.identify(path, OZONE, 2013) == info


def test_the_mark_of_a_synthetic_file_is_seen(write):
    path = write([row()], comment=epa.SYNTHETIC_COMMENT + b": made by ...")
    assert epa.check_file(path, OZONE, 2013).synthetic


def test_single_bad_rows_at_the_beginning_do_not_condemn_a_file(write):
    path = write(["cut,off", row(Units_of_Measure="?"), row(Parameter_Code="1"), row()])
    epa.check_file(path, OZONE, 2013)


def check(path: Path) -> str:
    """What a person is told about a bad file, wherever it is first noticed."""
    with pytest.raises(AirAwareError) as error:
        epa.check_file(path, OZONE, 2013)
    assert path.name in str(error.value)
    assert "fab fetch-year" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", [*epa.TEXTS, *epa.NUMBERS])
def test_a_missing_or_renamed_column_is_named(write, name):
    without = [column for column in epa.COLUMNS_24 if column != name]
    assert f"line 1: no column {name}" in check(write(text_of([row()], without)))
    renamed = text_of([row()]).replace(f'"{name}"', f'"{name} (new)"', 1)
    path = write(renamed)
    assert f"line 1: no column {name}" in check(path)
    with pytest.raises(AirAwareError, match="no column"):
        read(path)


@pytest.mark.parametrize("name", ["Sample Measurement", "POC", "Site Num", "Datum"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_header_that_names_a_column_twice_is_refused(write, name, place):
    columns = [*epa.COLUMNS_24]
    columns.insert(len(columns) + place if place else 0, name)
    path = write(text_of([row()], columns))
    assert f"line 1: more than one column {name}" in check(path)
    with pytest.raises(AirAwareError, match="more than one column"):
        read(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Parameter_Code": "88101"}, "Parameter Code is '88101', '44201' was expected"),
        ({"Date_Local": "2012-06-15"}, "Date Local is '2012', '2013' was expected"),
        (
            {"Units_of_Measure": "Parts per billion"},
            "Units of Measure is 'Parts per billion', 'Parts per million' was expected",
        ),
    ],
)
def test_a_file_of_something_else_is_refused(write, changes, told):
    message = check(write([row(**changes)] * 3))
    assert "lines 2 to 4" in message
    assert told in message


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n", "\n" * 1000, "\n \n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_alone_means_no_rows(write, mark, end):
    path = write((mark + text_of([]).strip() + end).encode())
    assert not epa.check_file(path, OZONE, 2013).has_rows
    assert read(path)[0] == {}


def test_a_file_with_rows_has_rows(write):
    assert epa.check_file(write([row()]), OZONE, 2013).has_rows
    late = text_of([]) + "\n" * 1000 + line(SOUND, epa.COLUMNS_24)
    assert "no row with" in check(write(late))


def test_a_file_without_a_header_or_a_sound_row_is_refused(write):
    without = [column for column in epa.COLUMNS_24 if column != "POC"]
    assert "no column POC" in check(write(text_of([], without)))
    assert "no row with the header's columns" in check(write(["cut,off"]))
    assert "not hold one CSV file with a header" in check(write(""))
    assert "not a whole zip" in check(write(b"\0" * 1_000_000))


def test_an_empty_file_an_empty_zip_and_a_page_are_refused(tmp_path):
    path = tmp_path / epa.file_name(OZONE, 2013)
    for content in (b"", b"<!DOCTYPE html>\n<html><body>Moved</body></html>", b"PK\3\4"):
        path.write_bytes(content)
        assert "not a whole zip" in check(path)
    with zipfile.ZipFile(path, "w"):
        pass
    assert "not a whole zip" in check(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no measurements")
    assert "does not hold one CSV file" in check(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", text_of([row()]))
        archive.writestr("b.csv", text_of([row()]))
    assert "does not hold one CSV file" in check(path)


def test_an_absent_file_is_an_error_for_people(tmp_path):
    check(tmp_path / epa.file_name(OZONE, 2013))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(write, share):
    path = write([row(Time_Local=f"{hour:02}:00") for hour in range(24)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "not a whole zip" in check(path)


def test_whatever_byte_is_flipped_the_file_is_refused_or_reads_the_same(write):
    path = write([row(Time_Local=f"{hour:02}:00") for hour in range(24)])
    whole = path.read_bytes()
    sound = read(path)
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            epa.check_file(path, OZONE, 2013)
            found = read(path)
        except AirAwareError:
            refused += 1
        else:
            assert found == sound
    # All of the packed rows, and much of the zip's own fields.
    assert refused > len(whole) / 2


def test_a_wrong_crc_is_refused_by_whoever_reads_the_last_share(write):
    path = write([row(Time_Local=f"{hour:02}:00") for hour in range(24)])
    with zipfile.ZipFile(path) as archive:
        crc = archive.infolist()[0].CRC.to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(crc, bytes(4)))
    assert "CRC" in check(path)
    with pytest.raises(AirAwareError, match="CRC"):
        read(path, shares=3)
