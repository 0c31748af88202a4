"""What becomes of the good rows of EPA's files."""

import csv
import io
import zipfile

import pytest
from epafiles import OZONE, SOUND, f32, read, row, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from airaware.raw import epa, verdicts


def test_a_row_becomes_an_hour_of_its_month(write):
    months, counts = read(write([row()]))
    hour = 14 * 24 + 13
    place = (42.139996, -87.799227)
    assert months == {("17-031-4201", 1, 6): [(hour, f32(0.041), False, place)]}
    assert counts == {verdicts.READ: 1, "kept": 1}


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
    expected = dict.fromkeys(SMOKE, True) | dict.fromkeys(NO_SMOKE, False)
    assert {code: fire.smoke for code, fire in verdicts.FIRES.items()} == expected


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
