"""Whole files: each way in which one can be wrong."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from epafiles import OZONE, SOUND, line, read, row, text_of

from airaware.errors import AirAwareError
from airaware.raw import epa


def test_a_sound_file_passes(write):
    path = write([row()])
    info = epa.check_file(path, OZONE, 2013)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert info == epa.FileInfo(path.stat().st_size, sha256, synthetic=False)
    assert epa.identify(path, OZONE, 2013) == info


def test_a_files_name_says_what_it_is_of():
    assert epa.key_of(epa.file_name(OZONE, 2013)) == (OZONE, 2013)
    for name in ("hourly_99999_2013.zip", "hourly_44201_2013.edges", "daily_44201_2013.zip"):
        assert epa.key_of(name) is None


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
