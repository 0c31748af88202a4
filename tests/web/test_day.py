"""The working of a day: what it shows, and that its number comes out of it again."""

import json
import subprocess
import sys
from html import unescape
from types import ModuleType

import day_script
import pytest
from flask.testing import FlaskClient
from handmade import YEAR, YEAR_BEFORE


def day(client: FlaskClient, **query: object) -> dict:
    """The API's answer, which must be one."""
    response = client.get("/api/v1/day", query_string=query)
    assert response.status_code == 200, response.text
    return response.get_json()


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that a visitor downloads."""
    return day_script.load()


def test_a_day_shows_what_it_rests_on(client: FlaskClient) -> None:
    found = day(client, address="60614", parameter=44201, date=f"{YEAR}-07-04")
    assert [each["site"] for each in found["monitors"]] == ["17-031-0001", "17-031-0002"]
    for each in found["monitors"]:
        assert each["weight"] == pytest.approx(each["distance_km"] ** -2)
        assert each["value"] == pytest.approx(0.1)
    assert sum(each["share"] for each in found["monitors"]) == pytest.approx(1)
    assert (found["day"]["value"], found["day"]["aqi"]) == (100, 187)
    assert found["digests"] == [{"name": f"hourly_44201_{YEAR}.zip", "sha256": "0" * 64}]
    assert found["rule"]["aqi"]["rows"][1] == {
        "category": "Moderate", "lowest": 0.055, "highest": 0.07, "lowest_aqi": 51,
        "highest_aqi": 100,
    }  # fmt: skip
    assert "begin from 07:00 to 23:00" in found["rule"]["day"]
    page = unescape(client.get(f"/day?address=60614&date={YEAR}-07-04").text)
    for text in ("17-031-0002", "0" * 64, found["rule"]["day"], found["sentence"]):
        assert text in page


def test_without_monitors_there_is_nothing_to_recompute(
    client: FlaskClient, script: ModuleType
) -> None:
    found = day(client, address="Honolulu, HI")
    assert found["day"]["date"] == f"{YEAR}-07-01"
    assert found["monitors"] == []
    assert script.recompute(found) == {"value": None, "aqi": None, "above_standard": False}
    assert "No monitor within 100 miles measured enough of ozone" in found["sentence"]


def test_each_day_of_the_page_leads_to_its_working(client: FlaskClient) -> None:
    text = unescape(client.get(f"/air?address=60614&year={YEAR}").text)
    for parameter in (44201, 88101):
        link = f'<a href="/day?address=60614&parameter={parameter}&date={YEAR}-07-04">100</a>'
        assert text.count(link) == 1
    assert client.get(f"/day?address=60614&parameter=88101&date={YEAR}-07-04").status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ({"date": "20250704"}, 400, "bad-date"),
        ({"date": "1981-07-04"}, 404, "year-not-loaded"),
        ({"parameter": 88101, "date": f"{YEAR_BEFORE}-07-04"}, 404, "year-not-loaded"),
        ({"parameter": 1}, 400, "bad-parameter"),
        ({"from": "2025-07-04"}, 400, "unknown-argument"),
    ],
)
def test_a_day_that_is_none_is_a_problem(
    client: FlaskClient, query: dict[str, object], status: int, kind: str
) -> None:
    response = client.get("/api/v1/day", query_string={"address": "60614", **query})
    assert (response.status_code, response.get_json()["type"]) == (status, f"/problems/{kind}")


def test_a_year_that_is_there_is_offered(client: FlaskClient) -> None:
    text = unescape(client.get("/day?address=60614&date=1981-07-04").text)
    assert f'href="/day?address=60614&date={YEAR}-07-01"' in text


def test_the_number_of_the_page_is_that_of_its_working(
    client: FlaskClient, script: ModuleType
) -> None:
    query = {"address": "60614", "year": YEAR}
    for pollutant in client.get("/api/v1/days", query_string=query).get_json()["pollutants"]:
        for shown in pollutant["days"][::73]:
            asked = {"parameter": pollutant["parameter"], "date": shown["date"]}
            working = day(client, address="60614", **asked)
            assert working["day"] == shown
            assert script.recompute(working).items() <= shown.items()


def test_the_script_runs_by_itself(client: FlaskClient) -> None:
    found = day(client, address="60614")
    command = [sys.executable, "-I", "-S", str(day_script.SCRIPT)]
    done = subprocess.run(command, input=json.dumps(found), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert f"value: {found['day']['value']} recomputed, {found['day']['value']} on" in done.stdout
    found["monitors"][0]["value"] *= 2
    done = subprocess.run(command, input=json.dumps(found), text=True, capture_output=True)
    assert done.returncode == 1
