"""What the page opens with: one daily AQI, and the year against the standards."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from handmade import DATES, YEAR, YEAR_BEFORE, as_owner

from airaware.settings import Zone

OZONE, PM25, PM25_OTHER = 44201, 88101, 88502


def at_point(client: FlaskClient, address: str, year: int = YEAR) -> dict:
    query = {"address": address, "year": year, "figures": "point"}
    response = client.get("/api/v1/air", query_string=query)
    assert response.status_code == 200, response.text
    return response.get_json()


def page(client: FlaskClient, address: str, year: int = YEAR) -> str:
    text = client.get("/air", query_string={"address": address, "year": year}).text
    return " ".join(unescape(text).split())


def test_the_highest_index_of_each_day_names_what_leads(client: FlaskClient) -> None:
    """PM2.5 of 21 to 32 µg/m³ has the higher index, ozone of 100 ppb on the two bad days."""
    found = at_point(client, "60614")["daily_aqi"]
    days = {day["date"]: day for day in found["by_day"]}
    assert len(days) == 365
    january = days[f"{YEAR}-01-01"]
    assert (january["aqi"], january["category"]) == (73, "Moderate")
    assert [each["parameter"] for each in january["leading"]] == [PM25]
    assert january["leading"][0]["nearest_km"] == pytest.approx(3.0, abs=0.1)
    assert january["leading"][0]["expected_error"] is None
    assert january["rests_on"] == [OZONE, PM25]
    bad = days[f"{YEAR}-07-04"]
    assert (bad["aqi"], bad["category"]) == (187, "Unhealthy")
    assert [(each["parameter"], each["expected_error"]) for each in bad["leading"]] == [(OZONE, 5)]
    march = days[f"{YEAR}-03-01"]
    assert march == {"date": f"{YEAR}-03-01", "aqi": None, "category": None, "leading": [],
                     "rests_on": [], "smoke_hours": 0}  # fmt: skip
    assert {name: n for name, n in found["aqi_days"].items() if n} == {
        "Moderate": 332, "Unhealthy": 2,
    }  # fmt: skip
    assert (found["days"], found["ties"]) == (334, 0)
    leads = {each["name"]: (each["leads"], each["parameters"]) for each in found["pollutants"]}
    assert leads == {"ozone": (2, [OZONE]), "PM2.5": (332, [PM25])}


def test_an_error_that_is_not_known_is_said_first(client: FlaskClient) -> None:
    found = at_point(client, "60614")["daily_aqi"]
    assert found["error_not_known"] == ["PM2.5"]
    assert found["sentence"] == (
        "How far off PM2.5 may be is not known on some days here. In"
        f" {YEAR} the air was estimated to be Moderate on 332 days and Unhealthy on 2, of the 334"
        " that have an Air Quality Index. The pollutant with the highest index was PM2.5 on 332"
        " days and ozone on 2 days."
    )
    text = page(client, "60614")
    opening = text.partition("<main")[2]
    assert opening.index(found["sentence"]) < opening.index('id="standards"')
    assert opening.index('id="standards"') < opening.index(f"In {YEAR} ozone")
    assert "Jul 4: AQI 187, Unhealthy: ozone (1.9 mi, ± 5.0 ppb); also PM2.5" in text
    assert "PM2.5 (1.9 mi, error unknown); also ozone" in text
    bad, good = (
        f'/day?address=60614&parameter={parameter}&date={YEAR}-{day}">{aqi}</a>'
        f" <small>{name}</small></td>"
        for parameter, day, aqi, name in (
            (OZONE, "07-04", 187, "ozone, s"),
            (PM25, "01-01", 73, "PM2.5"),
        )
    )
    assert (text.count(bad), text.count(good)) == (1, 1)


def test_far_from_regulatory_monitors_others_decide_about_pm25(client: FlaskClient) -> None:
    found = at_point(client, "Fargo, ND")["daily_aqi"]
    pm25 = next(each for each in found["pollutants"] if each["name"] == "PM2.5")
    assert pm25["parameters"] == [PM25_OTHER]
    assert pm25["nearest_km"] > 48.28


def test_a_year_that_was_not_over_says_so(client: FlaskClient, zones: tuple[Zone, ...]) -> None:
    said = "EPA’s files of 2025 that are loaded here are of 2025-12-04, before the year was over."
    assert said not in page(client, "60614")
    for zone in zones:
        _change_file_date(zone, "2025-12-04")
    try:
        assert said in page(client, "60614")
        assert "before the year was over" not in page(client, "60614", YEAR_BEFORE)
    finally:
        for zone in zones:
            _change_file_date(zone, DATES[0])


def _change_file_date(zone: Zone, date: str) -> None:
    with as_owner(zone) as cursor:
        cursor.execute(
            "UPDATE load SET file_date = %s WHERE parameter = %s AND year = %s", (date, OZONE, YEAR)
        )


def test_one_pollutant_alone(client: FlaskClient) -> None:
    found = at_point(client, "60614", YEAR_BEFORE)
    assert found["daily_aqi"]["sentence"].endswith("The index rests on ozone alone.")
    assert found["against_standards"]["pm25"] is None


def test_a_place_without_monitors_and_the_grid_have_no_daily_aqi(client: FlaskClient) -> None:
    found = at_point(client, "Honolulu, HI")
    assert found["daily_aqi"] is None
    assert found["against_standards"]["pm25"] is found["against_standards"]["ozone"] is None
    assert "No monitor near you: none within 100 miles measured enough" in page(client, "96813")
    grid = client.get("/api/v1/air?address=60614").get_json()
    assert "daily_aqi" not in grid


def test_the_year_against_the_standards(client: FlaskClient) -> None:
    """No March: the first quarter is short. 2 bad days and each day from June on are above 25."""
    found = at_point(client, "60614")["against_standards"]
    pm25, ozone = found["pm25"], found["ozone"]
    values = {month: 20 + month for month in range(1, 13)}
    lengths = [31, 28, 0, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    quarters = []
    for first in (1, 4, 7, 10):
        months = range(first, first + 3)
        total = sum(values[month] * lengths[month - 1] for month in months)
        total += 2 * (100 - 27) if first == 7 else 0
        quarters.append(total / sum(lengths[month - 1] for month in months))
    assert [each["mean"] for each in pm25["quarters"]] == pytest.approx(quarters, rel=1e-4)
    assert [each["short"] for each in pm25["quarters"]] == [True, False, False, False]
    assert pm25["annual_mean"] == pytest.approx(sum(quarters) / 4, rel=1e-4)
    assert pm25["above_standard"]
    assert (pm25["standard"]["level"], pm25["standard"]["edition"]) == (9.0, "2024")
    assert (pm25["guideline"]["level"], pm25["guideline"]["edition"]) == (5.0, "2021")
    assert (pm25["days_above_daily_guideline"], pm25["days"]) == (334, 334)
    assert pm25["three_year_mean"] is ozone["three_year_mean"] is None
    # Without 100 on July 4 and 28 on August 1. Ozone's fourth-highest day stays December's.
    july_to_september = (quarters[2] * 92 - 128) / 90
    quarters[2] = july_to_september
    assert pm25["annual_mean_without_smoke"] == pytest.approx(sum(quarters) / 4, rel=1e-4)
    assert ozone["fourth_highest_without_smoke"] is None
    assert (ozone["fourth_highest"], ozone["above_standard"]) == (32, False)
    assert ozone["standard"]["level"] == 70
    assert "not a regulatory finding" in found["note"]
    assert "continuous monitors only" in pm25["note"]
    text = page(client, "60614")
    assert found["note"] in text
    assert pm25["note"] in text
    without = f"{pm25['annual_mean_without_smoke']:.1f} µg/m³"
    assert f"; without the days with hours flagged as smoke {without}</td>" in text
    assert "<b>32 ppb</b>, truncated as the rule requires: not above the level" in text
    assert "PM2.5’s annual mean: expected error not known, nearest monitor 1.9 mi (3.0 km)." in text
    assert re.search(r"A day of ozone: expected error ± 3\.\d ppb, nearest monitor 1\.9 mi", text)
    assert "Days that EPA has excluded are not in its own figures, and are in these" in text
    assert "Days that EPA has excluded" not in page(client, "60614", YEAR_BEFORE)


def test_the_page_tells_since_when_there_are_data_and_where_today_s_air_is(
    client: FlaskClient,
) -> None:
    text = page(client, "60614")
    assert f"hourly data for it begin in 1980; loaded here: {YEAR_BEFORE} to {YEAR}." in text
    assert f"hourly data for it begin in 2008; loaded here: {YEAR}." in text
    assert 'href="https://www.airnow.gov/"' in text
    ozone = next(p for p in at_point(client, "60614")["pollutants"] if p["parameter"] == OZONE)
    assert ozone["trend"] in text
    assert ozone["trend"].endswith(f"in {YEAR_BEFORE}: no change.")
    assert "What the categories mean" in text


def test_days_above_with_smoke_are_counted_and_marked(client: FlaskClient) -> None:
    """Of two bad days, one has smoke at a monitor that was used, and one only far away."""
    ozone = next(p for p in at_point(client, "60614")["pollutants"] if p["parameter"] == OZONE)
    assert ozone["summary"]["days_above_standard"] == 2
    assert ozone["days_above_with_smoke"] == 1
    smoke = {day["date"]: day["smoke_hours"] for day in ozone["days"] if day["smoke_hours"]}
    assert smoke == {f"{YEAR}-07-04": 6, f"{YEAR}-08-01": 3}
    text = page(client, "60614")
    assert "On 1 of the 2 days above, hours were flagged as smoke" in text
    marked = re.findall(r'<td class="[^"]* smoke" title="(\w+ \d+): [^"]*, \d h of smoke">', text)
    assert marked == ["Jul 4", "Aug 1"] * 4  # of the index, and of each pollutant
    by_day = at_point(client, "60614")["daily_aqi"]["by_day"]
    assert {day["date"]: day["smoke_hours"] for day in by_day if day["smoke_hours"]} == smoke
    span = {"from": f"{YEAR}-07-04", "to": f"{YEAR}-07-05"}
    rows = client.get("/api/v1/days.csv", query_string={"address": "60614"} | span).text.split()
    assert [row.rsplit(",", 1)[1] for row in rows[-2:]] == ["6", "0"]


def test_hours_days_and_months_of_the_year_are_linked_as_files(client: FlaskClient) -> None:
    text = page(client, "60614", YEAR_BEFORE)
    for rows in ("hours", "days", "months"):
        (link,) = re.findall(rf'href="(/api/v1/{rows}.csv[^"]+)">All {rows} of {YEAR_BEFORE}', text)
        assert f"from={YEAR_BEFORE}-01-01&to={YEAR_BEFORE}-12-31" in link
        assert client.get(link).mimetype == "text/csv"
