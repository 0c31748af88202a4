"""What an address is answered: the API, and the page that shows the same."""

import dataclasses
import json
import re
from collections.abc import Callable
from html import unescape
from math import sqrt
from pathlib import Path

import orjson
import pytest
from flask.testing import FlaskClient
from handmade import CHICAGO, UNCORRECTED, YEAR, YEAR_BEFORE, as_owner, cell_at

from airaware.settings import Settings, Zone
from airaware.web import answers, api, create_app, view_model
from airaware.web.asking import At

# What an address may look like that leads nowhere: status, and kind in the problem document.
UNANSWERABLE = (
    ("", 400, "empty-address"),
    ("\t \x00", 400, "empty-address"),
    ("x" * 10_000, 400, "address-too-long"),
    ("Atlantis, IL", 404, "unknown-address"),
    ("nan, nan", 404, "unknown-address"),
    ("1e999,2", 404, "unknown-address"),
    ("95, 200", 404, "unknown-address"),
    ("<script>alert(1)</script>", 404, "unknown-address"),
    ("'; DROP TABLE load; --", 404, "unknown-address"),
    ("\N{PILE OF POO}", 404, "unknown-address"),
    ("Springfield", 409, "ambiguous-address"),
    ("48.85, 2.35", 422, "outside-the-us"),
    ("0, 0", 422, "outside-the-us"),
    ("-90, 180", 422, "outside-the-us"),
    ("96910", 422, "outside-the-us"),
)


def air(client: FlaskClient, **query: object) -> dict:
    """The API's answer, which must be one."""
    response = client.get("/api/v1/air", query_string=query)
    assert response.status_code == 200, response.text
    return response.get_json()


def pollutant(found: dict, parameter: int) -> dict:
    """One pollutant of an answer."""
    return next(each for each in found["pollutants"] if each["parameter"] == parameter)


def test_a_load_swapped_in_while_an_answer_is_read(
    client: FlaskClient, zones: tuple[Zone, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def swapped_meanwhile(at: At, year: int) -> answers.GridAir:
        read.append(view_model.grid(at, year))
        if len(read) == 1:
            for zone in zones:
                with as_owner(zone) as cursor:
                    cursor.execute("UPDATE load SET committed_at = now()")
        return read[-1]

    monkeypatch.setitem(api.FIGURES, "grid", swapped_meanwhile)
    found = air(client, address="60614")
    assert len(read) == 2
    first, second = json.loads(orjson.dumps(read))
    assert found == second
    assert pollutant(first, 44201)["loaded_at"] <= pollutant(found, 44201)["loaded_at"]


def test_zip_code_gets_twelve_months_in_the_latest_year(client: FlaskClient) -> None:
    found = air(client, address="60614")
    assert found["place"]["label"] == "Chicago, IL 60614"
    assert found["place"]["precision_km"] == 3.0
    assert found["cell"]["id"] == f"{cell_at(*CHICAGO):x}"
    assert found["cell"]["distance_km"] < 4.0
    assert found["year"] == YEAR
    assert found["years"][:2] == [YEAR, YEAR_BEFORE]
    ozone = pollutant(found, 44201)
    assert [month["month"] for month in ozone["months"]] == list(range(1, 13))
    assert ozone["unit"] == "ppb"
    assert ozone["standard"]["level"] == 70
    assert ozone["standard"]["edition"] == "2015"
    january = ozone["months"][0]
    assert january["hourly_mean"] == 21
    assert january["hours"] == 720
    assert january["daily"] == {
        "mean": 31.5,
        "median": 29.4,
        "p95": 39.9,
        "max": 42,
        "days": 30,
        "days_above_standard": 2,
        "aqi_days": {
            "Good": 26,
            "Moderate": 4,
            "Unhealthy for Sensitive Groups": 0,
            "Unhealthy": 0,
            "Very Unhealthy": 0,
            "Hazardous": 0,
        },
    }
    assert january["stations"] == 3
    assert january["nearest_km"] == 5
    assert not january["estimate"]


def test_a_month_without_data_is_null(client: FlaskClient) -> None:
    march = pollutant(air(client, address="60614"), 44201)["months"][2]
    assert march["hourly_mean"] is None
    assert march["nearest_km"] is None
    assert not march["estimate"]


def test_year_summary(client: FlaskClient) -> None:
    summary = pollutant(air(client, address="60614"), 44201)["summary"]
    assert summary["hourly_mean"] == pytest.approx((12 * 20 + 78 - 23) / 11, rel=1e-4)
    assert summary["days"] == 330
    assert summary["days_above_standard"] == 22
    assert summary["aqi_days"]["Moderate"] == 44


def test_both_kinds_of_pm25_stand_side_by_side(client: FlaskClient) -> None:
    found = air(client, address="60614")
    assert {each["parameter"] for each in found["pollutants"]} == {44201, 88101, 88502}
    assert pollutant(found, 88101)["label"] != pollutant(found, 88502)["label"]


def test_synthetic_mark_reaches_json_and_page(client: FlaskClient) -> None:
    found = air(client, address="60614")
    assert found["synthetic"]
    marks = {each["parameter"]: each["synthetic"] for each in found["pollutants"]}
    assert marks == {44201: False, 88101: True, 88502: False}
    page = client.get("/air?address=60614").text
    # The notice, the daily AQI, the standards, and the pollutant.
    assert page.count('<strong class="badge synthetic">Synthetic</strong>') == 4
    assert not air(client, address="60614", year=YEAR_BEFORE)["synthetic"]
    assert "ynthetic" not in client.get(f"/air?address=60614&year={YEAR_BEFORE}").text


def test_a_day_that_reaches_into_a_missing_year_is_called_incomplete(client: FlaskClient) -> None:
    """Ozone's last day does; the days of PM2.5 end with themselves."""
    for figures in ("grid", "point"):
        found = air(client, address="60614", year=YEAR, figures=figures)
        assert pollutant(found, 44201)["incomplete_days"] == [f"{YEAR}-12-31"]
        assert pollutant(found, 88101)["incomplete_days"] == []
    page = client.get("/air", query_string={"address": "60614", "year": YEAR}).text
    assert page.count(f"{YEAR}-12-31 is incomplete") == 1
    assert f"reach into {YEAR + 1}" in page


def test_places_that_use_an_uncorrected_t640_say_so(client: FlaskClient) -> None:
    """Fargo's only monitor is one, far away; Chicago has others."""
    said = [{"site": UNCORRECTED, "year": YEAR, "hours": 700}]
    span = {"parameter": 88101, "from": f"{YEAR}-07-01", "to": f"{YEAR}-07-02"}
    for address, expected in (("Fargo, ND", said), ("60614", [])):
        for figures in ("grid", "point"):
            found = air(client, address=address, year=YEAR, figures=figures)
            assert pollutant(found, 88101)["uncorrected_monitors"] == expected
            assert pollutant(found, 44201)["uncorrected_monitors"] == []
        hours = client.get("/api/v1/hours", query_string={"address": address, **span})
        assert hours.get_json()["uncorrected_monitors"] == expected
        file = client.get("/api/v1/hours.csv", query_string={"address": address, **span}).text
        history = client.get("/history", query_string={"address": address, **span}).text
        page = client.get("/air", query_string={"address": address, "year": YEAR}).text
        for text in (file, history, page):
            assert ("not corrected by EPA" in text) is bool(expected)
            assert (f"{UNCORRECTED} (700 hours" in text) is bool(expected)


def test_every_estimate_has_its_expected_error(client: FlaskClient) -> None:
    near = pollutant(air(client, address="60614"), 44201)
    january, _, march, *_, july = near["months"][:7]
    assert january["expected_error"] == {"hourly_mean": 3, "hour": 4, "day": 3}
    assert july["expected_error"] == {"hourly_mean": 5, "hour": 6, "day": 5}
    assert march["hourly_mean"] is None
    assert set(march["expected_error"].values()) == {None}
    # Eight months of eleven at 3, three of summer at 5.
    whole = near["summary"]["expected_error"]["hourly_mean"]
    assert whole == pytest.approx(sqrt((8 * 9 + 3 * 25) / 11), rel=1e-4)
    assert near["summary"]["expected_error"]["day"] == whole  # of the same size, handmade
    page = client.get("/air?address=60614").text
    assert "± 3.7" in page
    assert page.count("<td>± 5.0</td>") == 3 * 3  # by month twice, by day once
    far = pollutant(air(client, address="Fargo, ND"), 44201)
    assert {month["expected_error"]["day"] for month in far["months"]} == {8}


def test_pages_of_hours_and_comparisons_say_the_error_too(client: FlaskClient) -> None:
    week = client.get(f"/history?address=60614&from={YEAR}-05-28").text
    assert re.search(r"Expected error of an hour in May</dt><dd>± 4\.0", week)
    assert re.search(r"Expected error of an hour in Jun</dt><dd>± 6\.0", week)
    assert re.search(r"Nearest monitor in May</dt><dd>1\.9 mi", week)
    assert "band-top" in week
    far = client.get(f"/history?address=Fargo, ND&from={YEAR}-07-01").text
    assert "Far from any monitor: these hours are estimates" in far
    unknown = client.get(f"/history?address=60614&parameter=88502&from={YEAR}-07-01").text
    assert "The error to expect is not known" in unknown
    compared = client.get("/compare?address=60614&address=Fargo, ND").text
    row = compared.partition("Expected error of a day")[2].partition("</tr>")[0]
    assert re.findall(r"± [0-9.]+", row) == ["± 3.7", "± 8.0"]


def test_the_years_say_their_error_and_which_are_made_up(client: FlaskClient) -> None:
    found = air(client, address="60614", figures="point")
    before, latest = pollutant(found, 44201)["years"][-2:]
    assert not before["synthetic"]
    assert not latest["synthetic"]
    assert before["expected_error"]["hourly_mean"] is None
    assert latest["expected_error"]["hourly_mean"] == pytest.approx(3.7, abs=0.1)
    assert pollutant(found, 88101)["years"][-1]["synthetic"]


def test_where_too_little_is_known_no_error_is_named(client: FlaskClient) -> None:
    found = pollutant(air(client, address="60614"), 88502)
    assert found["summary"]["expected_error"] == {"hourly_mean": None, "day": None}
    assert "The error to expect is not known" in client.get("/air?address=60614").text


def test_far_monitors_make_a_marked_estimate(client: FlaskClient) -> None:
    found = pollutant(air(client, address="46.877, -96.789"), 44201)
    assert all(month["estimate"] for month in found["months"])
    assert found["summary"]["months_estimated"] == 12
    page = client.get("/air?address=46.877,-96.789").text
    assert "Far from any monitor: all months are estimates" in page


def test_place_without_a_monitor_says_so(client: FlaskClient) -> None:
    found = air(client, address="Honolulu, HI")
    assert all(each["summary"] is None for each in found["pollutants"])
    page = client.get("/air?address=96813").text
    assert "No monitor near you: none within 100 miles measured ozone" in page


@pytest.mark.parametrize(("address", "status", "kind"), UNANSWERABLE)
def test_unanswerable_addresses(client: FlaskClient, address: str, status: int, kind: str) -> None:
    problem = client.get("/api/v1/air", query_string={"address": address})
    assert problem.status_code == status
    assert problem.mimetype == "application/problem+json"
    document = problem.get_json()
    assert document["type"] == f"/problems/{kind}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    page = client.get("/air", query_string={"address": address})
    assert page.status_code == status
    assert page.mimetype == "text/html"
    assert document["title"] in page.text
    assert "These work, for example" in page.text
    assert "<script>" not in page.text


def test_no_address_at_all(client: FlaskClient) -> None:
    assert client.get("/air").status_code == 400
    assert client.get("/api/v1/air").status_code == 400


def test_every_choice_of_an_ambiguous_address_leads_somewhere(client: FlaskClient) -> None:
    problem = client.get("/api/v1/air?address=Springfield").get_json()
    assert "Springfield, IL" in problem["choices"]
    for choice in problem["choices"]:
        assert air(client, address=choice)["place"]["label"] == choice
    assert 'href="/air?address=Springfield,+IL"' in client.get("/air?address=Springfield").text


def test_choices_lead_back_to_what_was_asked_for(client: FlaskClient) -> None:
    page = client.get("/compare?address=60614&address=Springfield&year=2025").text
    links = [unescape(link) for link in re.findall(r'href="(/compare\?[^"]+)"', page)]
    assert "/compare?address=60614&address=Springfield,+IL&year=2025" in links
    others = "_scheme=x&endpoint=y&_external=1&_method=z"
    page = client.get(f"/history?address=Springfield&parameter=88101&{others}").text
    assert "/history?address=Springfield,+IL&parameter=88101" in unescape(page)
    page = client.get("/history?address=60614&from=1981-07-01").text
    assert f"/history?address=60614&from={YEAR}-07-01" in unescape(page)
    page = client.get("/compare?address=60614&address=Fargo, ND&year=1981").text
    assert f"/compare?address=60614&address=Fargo,+ND&year={YEAR}" in unescape(page)


def test_a_page_that_does_not_exist_helps_on(client: FlaskClient) -> None:
    page = client.get("/nowhere?address=60614")
    assert page.status_code == 404
    assert "There is no such page" in page.text
    assert 'href="/map"' in page.text
    assert "These work, for example" in page.text


@pytest.mark.parametrize("year", ["abc", "-1", "1979", "9999", "20 17", "2017.0", "²⁰¹⁷", "1e3"])
def test_bad_years(client: FlaskClient, year: str) -> None:
    query = {"address": "60614", "year": year}
    problem = client.get("/api/v1/air", query_string=query)
    assert problem.status_code == 400
    assert problem.get_json()["type"] == "/problems/bad-year"
    assert client.get("/air", query_string=query).status_code == 400


def test_year_without_data_names_the_years_there_are(client: FlaskClient) -> None:
    problem = client.get("/api/v1/air?address=60614&year=1981")
    assert problem.status_code == 404
    assert {YEAR, YEAR_BEFORE} <= set(problem.get_json()["years"])
    page = client.get("/air?address=60614&year=1981")
    assert page.status_code == 404
    assert f'href="/air?address=60614&amp;year={YEAR}"' in page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/air?address=60614", 200),
        ("/air?address=Springfield", 409),
        ("/history?address=60614", 200),
        ("/history?address=60614&from=never", 400),
        ("/compare", 200),
        ("/compare?address=60614&address=Fargo, ND", 200),
        ("/compare?address=60614&address=Atlantis, IL", 404),
        ("/compare?address=1&address=2&address=3&address=4&address=5", 400),
        ("/api/v1/openapi.json", 200),
        ("/nowhere", 404),
        ("/api/v1/nowhere", 404),
        ("/api/v1/air?address=60614", 200),
        ("/static/site.css", 200),
        ("/healthz", 200),
        ("/readyz", 200),
    ],
)
def test_security_headers(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    if response.mimetype == "text/html":
        assert re.search(r"<title>[^<·]+ · AirAware</title>", response.text)
        scripts = re.findall(r"<script[^>]*>[^<]*<", response.text)
        ours = r'<script type="module" src="/built/[0-9a-f]{12}/[a-z]+\.js"><'
        assert all(re.fullmatch(ours, script) for script in scripts)
        assert not re.search(r"<style|\sstyle=|\son\w+=", response.text)


def test_pages_say_who_is_asked_for_a_street(
    reader_zones: tuple[Zone, ...], settings_for: Callable[..., Settings]
) -> None:
    asking = create_app(settings_for(reader_zones, "http://127.0.0.1:1/"))
    assert "US Census Bureau" in asking.test_client().get("/").text
    assert "Census" not in create_app(settings_for(reader_zones)).test_client().get("/").text


def test_method_not_allowed_is_a_problem_document(client: FlaskClient) -> None:
    response = client.post("/api/v1/air")
    assert response.status_code == 405
    assert response.mimetype == "application/problem+json"
    assert "GET" in response.headers["Allow"]


def test_without_any_database(settings_for: Callable[..., Settings]) -> None:
    nowhere = Zone("a", "host=127.0.0.1 port=1 dbname=airaware")
    client = create_app(settings_for((nowhere,))).test_client()
    assert client.get("/").status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    for path in ("/air?address=60614", "/api/v1/air?address=60614"):
        response = client.get(path)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
    assert response.mimetype == "application/problem+json"
    # What the visitor can mend comes first.
    assert client.get("/air?address=").status_code == 400


@pytest.mark.usefixtures("loaded")
def test_a_server_about_to_stop_is_not_ready_but_answers(
    reader_zones: tuple[Zone, ...], settings_for, tmp_path: Path
) -> None:
    draining = tmp_path / "draining"
    settings = dataclasses.replace(settings_for(reader_zones), draining=str(draining))
    client = create_app(settings).test_client()
    assert client.get("/readyz").status_code == 200
    draining.touch()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/air?address=60614").status_code == 200
