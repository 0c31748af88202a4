"""Each way in which a row of EPA's files can be left out, and how it is counted."""

from collections import Counter

import pytest
from epafiles import OZONE, PM25, SOUND, line, pm_row, read, reasons, row, text_of

from airaware.raw import epa, station_months, verdicts
from airaware.science.pollutants import POLLUTANTS, get


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (verdicts.CANADA, "CC"),
        (verdicts.MEXICO, "80"),
        *((verdicts.TERRITORY, state) for state in ("60", "66", "69", "78")),
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
    expected = {"kept": 1, verdicts.UNPLACED: 2} | ({verdicts.BAD_NUMBER: 1} if others else {})
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
    assert reasons(write([sentinel], parameter), parameter) == {verdicts.IMPOSSIBLE: 1}


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
    (found,) = station_months.read(path, parameter, 2013)
    marked = parameter == PM25 and columns is epa.COLUMNS_24
    as_measured, corrected = station_months.AS_MEASURED, station_months.CORRECTED
    expected = bytes([station_months.PLAIN, *[as_measured] * 2, *[corrected] * 4])
    assert found.column("method").to_pylist() == [expected if marked else None, None]


BAD_ROWS = [
    *(
        (verdicts.BAD_NUMBER, {"Sample_Measurement": text})
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
        (verdicts.IMPOSSIBLE, {"Sample_Measurement": text})
        for text in ("-999", "-9999", "-99", "99999", "1e30", "-1e30", "1e39", "41")
    ),
    *(
        (verdicts.BAD_NUMBER, {"POC": text})
        for text in ("", "x", "1.5", "-1", "inf", "1e12", "1_0")
    ),
    *(
        (verdicts.BAD_NUMBER, {"Latitude": text})
        for text in ("north", "inf", "NaN", "4_2.1", "NULL")
    ),
    *(
        (verdicts.BAD_TIME, {"Date_Local": text})
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
        (verdicts.BAD_TIME, {"Time_Local": text})
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
    (verdicts.OTHER_YEAR, {"Date_Local": "2012-12-31"}),
    (verdicts.OTHER_YEAR, {"Date_Local": "2014-01-01"}),
    (verdicts.OTHER_PARAMETER, {"Parameter_Code": "88101"}),
    (verdicts.OTHER_PARAMETER, {"Parameter_Code": ""}),
    (verdicts.OTHER_UNIT, {"Units_of_Measure": "Parts per billion"}),
    (verdicts.BAD_PLACE, {"Longitude": "87.799227"}),
    (verdicts.BAD_PLACE, {"Latitude": "51.5", "Longitude": "-0.1"}),
    (verdicts.BAD_SITE, {"State_Code": ""}),
    (verdicts.BAD_SITE, {"State_Code": "IL"}),
    (verdicts.BAD_SITE, {"County_Code": "31"}),
    (verdicts.BAD_SITE, {"Site_Num": "42 1"}),
    (verdicts.BAD_SITE, {"Site_Num": "\uff14201"}),
]


@pytest.mark.parametrize(
    ("reason", "changes"), BAD_ROWS, ids=[f"{c}" for _, c in BAD_ROWS]
)  # fmt: skip
def test_a_bad_row_is_rejected_and_counted_under_its_reason(write, reason, changes):
    good = [row(Time_Local=f"{hour:02}:00") for hour in range(20)]
    with_bad = [*good[:10], row(**changes), *good[10:]]
    months, counts = read(write(with_bad))
    assert counts == {verdicts.READ: 21, "kept": 20, reason: 1}
    assert months == read(write(good))[0]


def test_each_reason_is_counted_apart(write):
    expected = Counter(reason for reason, _ in BAD_ROWS) + Counter(kept=1)
    rows = [row(**changes) for _, changes in BAD_ROWS]
    assert reasons(write([row(), *rows])) == expected
    # Duplicates only show once a month's rows are together.
    assert set(expected) == {"kept", *verdicts.REJECTED} - {verdicts.BAD_LINE, verdicts.DUPLICATE}


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
    assert counts == {verdicts.READ: 3, "kept": 2, verdicts.BAD_LINE: 1}
    assert months == read(write(good))[0]


def test_bytes_that_are_no_text_spoil_their_row_alone(write):
    text = text_of([row(), row(Units_of_Measure="Parts per m?llion"), row()])
    path = write(text.encode().replace(b"?", b"\xe9"))
    assert reasons(path) == {"kept": 2, verdicts.OTHER_UNIT: 1}


def test_empty_lines_are_no_rows(write):
    assert reasons(write(["", row(), "", ""])) == {"kept": 1}


def test_the_newest_change_is_that_of_rows_that_are_kept(write):
    def newest(*changes: str) -> set[str | None]:
        rows = [row(Time_Local=f"{n:02}:00", Date_of_Last_Change=c) for n, c in enumerate(changes)]
        path = write([*rows, row(State_Code="CC", Date_of_Last_Change="2019-01-01")])
        batches = station_months.read(path, OZONE, 2013)
        return {note["newest_change"] for batch in batches for note in batch.to_pylist()[-1:]}

    assert newest("2014-05-01", "2015-11-30", "") == {"2015-11-30"}
    assert newest("2014-02-31", "soon", "20160101", "2014-05-01") == {"2014-05-01"}
    assert newest("", "never") == {None}
    path = write(text_of([row()], [name for name in epa.COLUMNS_24 if name != epa.CHANGED]))
    (batch,) = station_months.read(path, OZONE, 2013)
    assert batch.to_pylist()[-1]["newest_change"] is None
