"""What EPA changed between two versions of a file."""

from datetime import date

from epafiles import row

from airaware.raw import vintages
from airaware.raw.vintages import Change

SITE = "17-031-4201"


def changes(write, tmp_path, older, newer):
    before = write(older).rename(tmp_path / "older.zip")
    return vintages.changes(before, write(newer), 44201, 2013)


def test_exactly_the_changed_days_are_listed(write, tmp_path):
    # At both ends of months, whose rows a reader passes on for both.
    ends = ("01-01", "06-30", "07-01", "12-31")
    times = ("00:00", "23:00")
    same = [row(Date_Local=f"2013-{day}", Time_Local=time) for day in ends for time in times]
    went = row(Date_Local="2013-06-12")
    was = row(Date_Local="2013-06-13", POC="2", Sample_Measurement="0.050")
    came = [row(Date_Local="2013-07-31", Time_Local=time) for time in ("22:00", "23:00")]
    # Another date of last change, or another order, is no other measurement.
    touched = [each | {"Date of Last Change": "2015-01-01"} for each in reversed(same)]
    newer = [*touched, was | {"Sample Measurement": "0.051"}, *came]
    assert changes(write, tmp_path, [*same, went, was], newer) == [
        Change(SITE, date(2013, 6, 12), came=0, went=1, changed=0),
        Change(SITE, date(2013, 6, 13), came=0, went=0, changed=1),
        Change(SITE, date(2013, 7, 31), came=2, went=0, changed=0),
    ]
    assert changes(write, tmp_path, same, touched) == []


def test_smoke_and_the_place_are_part_of_a_measurement(write, tmp_path):
    before = [row(), row(Date_Local="2013-06-16"), row(Date_Local="2013-06-17")]
    after = [
        row(Qualifier="IT - Wildfire-U. S."),
        row(Date_Local="2013-06-16", Latitude="42.2"),
        row(Date_Local="2013-06-17"),
    ]
    assert changes(write, tmp_path, before, after) == [
        Change(SITE, date(2013, 6, 15), came=0, went=0, changed=1),
        Change(SITE, date(2013, 6, 16), came=0, went=0, changed=1),
    ]


def test_of_duplicates_the_first_counts(write, tmp_path):
    first, second = row(Sample_Measurement="0.040"), row(Sample_Measurement="0.050")
    assert changes(write, tmp_path, [first, second], [first]) == []


def test_a_file_without_rows_has_none_of_the_hours(write, tmp_path):
    (change,) = changes(write, tmp_path, [row()], [row(State_Code="80")])
    assert change == Change(SITE, date(2013, 6, 15), came=0, went=1, changed=0)
