"""The API: its answers at the exact place, its files, their tags, and its own description."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from handmade import DATES, FARGO, YEAR, YEAR_BEFORE, as_owner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from airaware.settings import Zone
from airaware.store import memory
from airaware.web import columns, error_pages, openapi

HOURS = "/api/v1/hours"
FILES = (f"{HOURS}.csv", f"{HOURS}.parquet")


def get(client: FlaskClient, path: str, **query: object) -> dict:
    """A JSON answer, which must be one."""
    response = client.get(path, query_string=query)
    assert response.status_code == 200, response.text
    return response.get_json()


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file, without its head."""
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def at_point(client: FlaskClient, address: str, parameter: int = 44201) -> dict:
    found = get(client, "/api/v1/air", address=address, figures="point")
    return next(each for each in found["pollutants"] if each["parameter"] == parameter)


def test_figures_at_the_point_come_from_the_stations_near_it(client: FlaskClient) -> None:
    ozone = at_point(client, "60614")
    january, _, march = ozone["months"][:3]
    assert january["hourly_mean"] == 21
    assert january["hours"] == 31 * 24
    assert january["daily"]["max"] == 21
    assert january["stations"] == 2
    assert not january["estimate"]
    assert march["hourly_mean"] is None
    july = ozone["months"][6]
    assert july["daily"]["days_above_standard"] == 2
    assert july["hourly_mean"] == pytest.approx((29 * 27 + 2 * 100) / 31, rel=1e-4)
    assert ozone["summary"]["days_above_standard"] == 2
    assert [monitor["site"] for monitor in ozone["monitors"]] == ["17-031-0001", "17-031-0002"]
    assert {monitor["months"] for monitor in ozone["monitors"]} == {11}
    assert [year["year"] for year in ozone["years"]][-2:] == [YEAR_BEFORE, YEAR]


def test_days_at_the_point(client: FlaskClient) -> None:
    days = {day["date"]: day for day in at_point(client, "60614")["days"]}
    assert len(days) == 365
    assert days[f"{YEAR}-01-31"] == {
        "date": f"{YEAR}-01-31",
        "value": 21,
        "above_standard": False,
        "aqi": 19,
        "category": "Good",
        "nearest_km": days[f"{YEAR}-07-04"]["nearest_km"],
        "expected_error": 3,
        "smoke_hours": 0,
    }
    assert days[f"{YEAR}-07-04"]["expected_error"] == 5
    assert days[f"{YEAR}-07-04"]["nearest_km"] == pytest.approx(3.0, abs=0.1)
    assert days[f"{YEAR}-03-01"]["expected_error"] is days[f"{YEAR}-03-01"]["nearest_km"] is None
    assert days[f"{YEAR}-07-04"]["category"] == "Unhealthy"
    assert days[f"{YEAR}-07-04"]["above_standard"]
    assert days[f"{YEAR}-03-01"]["value"] is None
    assert days[f"{YEAR}-03-01"]["aqi"] is None
    answer = get(client, "/api/v1/days", address="60614")
    assert answer["pollutants"][0]["days"] == list(days.values())


def test_far_from_monitors_the_point_is_an_estimate(client: FlaskClient) -> None:
    ozone = at_point(client, f"{FARGO[0]}, {FARGO[1]}")
    assert all(month["estimate"] for month in ozone["months"])
    assert ozone["months"][0]["hourly_mean"] == 11
    assert ozone["rank"] is None
    assert ozone["sentence"].startswith("No monitor near you: ")


def test_hours_of_some_days(client: FlaskClient) -> None:
    found = get(client, HOURS, address="60614", **{"from": f"{YEAR}-07-03", "to": f"{YEAR}-07-06"})
    assert found["unit"] == "ppb"
    assert found["first_hour"] == f"{YEAR}-07-03T00:00"
    assert found["utc_offset"] == "-06:00"
    assert found["values"] == [27] * 24 + [100] * 48 + [27] * 24


def test_hours_say_what_they_rest_on_month_by_month(client: FlaskClient) -> None:
    span = {"from": f"{YEAR}-02-27", "to": f"{YEAR}-04-01"}
    months = get(client, HOURS, address="60614", **span)["months"]
    assert [(each["month"], each["hours"]) for each in months] == [
        (f"{YEAR}-02", 48),
        (f"{YEAR}-03", 744),
        (f"{YEAR}-04", 24),
    ]
    assert [each["expected_error"]["hour"] for each in months] == [4, None, 4]
    assert [each["nearest_km"] for each in months] == [
        pytest.approx(3.0, abs=0.1),
        None,
        months[0]["nearest_km"],
    ]
    far = get(client, HOURS, address="Fargo, ND", **{"from": f"{YEAR}-07-01"})["months"]
    assert [(each["estimate"], each["expected_error"]["hour"]) for each in far] == [(True, 9)]


def test_hours_across_years_and_where_there_are_none(client: FlaskClient) -> None:
    span = {"from": f"{YEAR_BEFORE}-12-31", "to": f"{YEAR}-01-01"}
    assert get(client, HOURS, address="60614", **span)["values"] == [32] * 24 + [21] * 24
    span = {"from": f"{YEAR_BEFORE - 1}-12-31", "to": f"{YEAR_BEFORE}-01-01"}
    assert get(client, HOURS, address="60614", **span)["values"] == [None] * 24 + [21] * 24
    march = get(client, HOURS, address="60614", **{"from": f"{YEAR}-03-10", "to": f"{YEAR}-03-10"})
    assert march["values"] == [None] * 24


def test_csv_and_parquet_hold_the_same_hours_and_say_what_they_are(client: FlaskClient) -> None:
    query = {
        "address": "60614",
        "parameter": 88101,
        "from": f"{YEAR}-02-27",
        "to": f"{YEAR}-07-04",
    }
    text = client.get(FILES[0], query_string=query)
    assert text.mimetype == "text/csv"
    assert (
        f"airaware_hours_88101_{YEAR}-02-27_{YEAR}-07-04.csv" in text.headers["Content-Disposition"]
    )
    lines = text.text.splitlines()
    about = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = rows_of(text.text)
    table = pq.read_table(io.BytesIO(client.get(FILES[1], query_string=query).data))
    told = {name.decode(): words.decode() for name, words in table.schema.metadata.items()}
    assert {name: about[name] for name in told if name != "made"} == {
        name: words for name, words in told.items() if name != "made"
    }
    assert about["utc_offset"].startswith("UTC-06:00")
    assert "standard time" in about["hour"]
    assert "hourly_88101" in about["source"]
    assert about["cite"] == cited(client)[0]["cite"]
    assert "17-031-0001 at 3.0 km" in about["monitors"]
    assert "µg/m³" in about["unit"]
    assert "not the real air" in about["synthetic"]
    assert about["expected error"] == f"{YEAR}: not known (root mean square)"
    days = (date(YEAR, 7, 4) - date(YEAR, 2, 27)).days + 1
    assert len(rows) == table.num_rows == 24 * days
    nothing = {"expected_error": "", "nearest_km": ""}
    near = nothing | {"nearest_km": rows[0]["nearest_km"]}
    assert float(rows[0]["nearest_km"]) == pytest.approx(3.0, abs=0.1)
    assert rows[0] == {"hour": f"{YEAR}-02-27T00:00", "value": "22"} | near
    assert rows[48] == {"hour": f"{YEAR}-03-01T00:00", "value": ""} | nothing
    assert rows[-1] == {"hour": f"{YEAR}-07-04T23:00", "value": "100"} | near
    values = table.column("value").to_pylist()
    assert values[48] is None
    np.testing.assert_allclose(
        [np.nan if value is None else value for value in values],
        [float(row["value"] or "nan") for row in rows],
        rtol=1e-4,
    )


def cited(client: FlaskClient, year: int = YEAR, number: int = 1) -> list[dict[str, str]]:
    """The sources of a pollutant of a year's answer: PM2.5, or the first."""
    path = f"/api/v1/air?address=60614&year={year}"
    sources: list[dict[str, str]] = client.get(path).get_json()["pollutants"][number]["sources"]
    return sources


def test_answers_files_and_pages_say_how_old_their_data_are_and_how_to_cite_them(
    client: FlaskClient,
) -> None:
    (of_year,), (before,) = cited(client, YEAR, 0), cited(client, YEAR_BEFORE, 0)
    assert (of_year["date"], of_year["newest_change"]) == DATES
    assert of_year["cite"] == (
        f"U.S. EPA, AQS, hourly file hourly_44201_{YEAR}.zip of {DATES[0]}, newest change"
        f" {DATES[1]} (AirAware load 44201-{YEAR}, checksum {of_year['checksum']})"
    )
    assert (before["date"], before["newest_change"]) == (None, None)
    assert "of a date not recorded, newest change not recorded (" in before["cite"]
    assert "Made up by a program" in cited(client)[0]["cite"]
    assert of_year["cite"] in client.get(f"/air?address=60614&year={YEAR}").text
    assert of_year["cite"] in client.get(f"/day?address=60614&date={YEAR}-07-04").text
    compared = client.get(f"/compare?address=60614&address=Fargo, ND&year={YEAR}").text
    assert compared.count(of_year["cite"]) == 1  # the places' years are of the same file
    span = f"address=60614&from={YEAR_BEFORE}-12-30&to={YEAR}-01-02"
    assert client.get(f"/api/v1/hours?{span}").get_json()["sources"] == [before, of_year]
    for name in ("hours", "days", "months"):
        text = client.get(f"/api/v1/{name}.csv?{span}").text
        assert f"# cite: {before['cite']}; {of_year['cite']}\n" in text
    week = client.get(f"/history?address=60614&from={YEAR_BEFORE}-12-30").text
    assert before["cite"] in week
    assert of_year["cite"] in week


def test_a_file_says_the_error_to_expect(client: FlaskClient) -> None:
    query = {"address": "60614", "from": f"{YEAR}-05-31", "to": f"{YEAR}-06-01"}
    text = client.get(FILES[0], query_string=query).text
    assert f"# expected error: {YEAR}: DJF 4, MAM 4, JJA 6, SON 4 (root mean square)" in text
    rows = rows_of(text)
    assert [row["expected_error"] for row in rows] == ["4"] * 24 + ["6"] * 24
    table = pq.read_table(io.BytesIO(client.get(FILES[1], query_string=query).data))
    assert table.column("expected_error").to_pylist() == pytest.approx([4] * 24 + [6] * 24)
    assert table.column("nearest_km").to_pylist() == pytest.approx(
        [float(row["nearest_km"]) for row in rows], rel=1e-4
    )


def test_compare_answers_as_each_place_alone(client: FlaskClient) -> None:
    found = get(client, "/api/v1/compare", address=["60614", "Fargo, ND"])
    assert [place["place"]["label"] for place in found["places"]] == [
        "Chicago, IL 60614",
        "Fargo, ND",
    ]
    alone = get(client, "/api/v1/air", address="60614", figures="point")
    assert found["places"][0] == alone


@pytest.mark.parametrize(
    "path",
    ["/air?address=60614", "/days?address=60614", "/compare?address=60614&address=Fargo, ND"]
    + [f"/{name}?address=60614&from={YEAR}-07-01" for name in ("hours", "hours.csv")],
)
def test_what_the_client_has_is_not_sent_again(client: FlaskClient, path: str) -> None:
    first = client.get(f"/api/v1{path}")
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    again = client.get(f"/api/v1{path}", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    other = client.get(f"/api/v1{path}".replace("60614", "60613"), headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_a_new_load_changes_the_tag(
    client: FlaskClient, zones: tuple[Zone, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a quick machine all this takes less time than the site goes by one look.
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)
    tag = client.get("/api/v1/air?address=60614").headers["ETag"]
    with other_checksums(zones):
        assert client.get("/api/v1/air?address=60614").headers["ETag"] != tag
    assert client.get("/api/v1/air?address=60614").headers["ETag"] == tag


@contextmanager
def other_checksums(zones: tuple[Zone, ...]) -> Iterator[None]:
    """Have both zones serve ozone's year by another checksum within the block."""
    change = "UPDATE load SET checksum = checksum + %s WHERE parameter = 44201 AND year = %s"

    def add(step: int) -> None:
        for zone in zones:
            with as_owner(zone) as cursor:
                cursor.execute(change, (step, YEAR))

    add(1)
    try:
        yield
    finally:
        add(-1)


def test_the_description_is_valid_and_served(client: FlaskClient) -> None:
    document = openapi.document(datetime.now(UTC).year)
    validate(document)
    response = client.get("/api/v1/openapi.json")
    assert response.get_json() == document
    assert response.headers["Cache-Control"].startswith("public")


def test_every_route_of_the_api_is_described(app: Flask) -> None:
    routes = {
        rule.rule.removeprefix("/api/v1")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
    }
    assert routes - {"/openapi.json"} == set(openapi.PATHS)


def test_the_described_range_of_years_is_the_one_that_is_accepted(client: FlaskClient) -> None:
    paths = get(client, "/api/v1/openapi.json")["paths"]
    (year,) = (each for each in paths["/air"]["get"]["parameters"] if each["name"] == "year")
    for bound, beyond in (("minimum", -1), ("maximum", 1)):
        statuses = [
            client.get(f"/api/v1/air?address=60614&year={year['schema'][bound] + step}").status_code
            for step in (0, beyond)
        ]
        assert statuses in ([404, 400], [200, 400])


def test_each_type_of_problem_has_a_page(client: FlaskClient) -> None:
    page = client.get("/api").text
    assert len(error_pages.kinds()) == len({kind.name for kind in error_pages.kinds()}) > 10
    for kind in error_pages.kinds():
        assert f"/problems/{kind.name}" in page
        own = client.get(f"/problems/{kind.name}").text.replace("&#39;", "'")
        assert kind.title in own
        assert "&lt;code" not in own
    assert client.get("/problems/none-such").status_code == 404


def test_the_page_of_the_api_names_paths_and_columns(client: FlaskClient) -> None:
    page = client.get("/api").text
    names = [*openapi.PATHS, *(name for file in columns.FILES.values() for name in file)]
    assert [name for name in names if name not in page] == []


@pytest.mark.parametrize(
    "path",
    ["/air?address=60614", "/hours.csv?address=60614", "/air", "/nowhere", "/air?address=0,0"],
)
def test_pages_of_other_sites_may_read_answers_and_errors(client: FlaskClient, path: str) -> None:
    headers = client.get(f"/api/v1{path}").headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    asked = {"Origin": "https://other.test", "Accept-Encoding": "gzip"}
    preflight = client.options(f"/api/v1{path}", headers=asked)
    assert preflight.status_code == 204
    assert not {"Content-Encoding", "Content-Type"} & set(preflight.headers.keys())
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]


def test_other_sites_may_read_the_api_alone(client: FlaskClient) -> None:
    for path in ("/", "/air?address=60614", "/api", "/tiles/0/0/0.mvt", "/healthz"):
        headers = client.get(path).headers
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_days_as_csv_equal_the_json_over_several_years(client: FlaskClient) -> None:
    span = {"from": f"{YEAR_BEFORE}-12-01", "to": f"{YEAR}-07-05"}
    response = client.get("/api/v1/days.csv", query_string={"address": "60614"} | span)
    assert response.mimetype == "text/csv"
    rows = rows_of(response.text)
    expected = [
        day
        for year in (YEAR_BEFORE, YEAR)
        for pollutant in get(client, "/api/v1/days", address="60614", year=year)["pollutants"]
        if pollutant["parameter"] == 44201
        for day in pollutant["days"]
        if span["from"] <= day["date"] <= span["to"]
    ]
    assert len(rows) == len(expected) > 200
    assert list(rows[0]) == list(columns.DAYS)
    for row, day in zip(rows, expected, strict=True):
        assert row == {
            name: ""
            if value is None
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
            for name, value in day.items()
        }


def test_a_leap_year_has_366_days(client: FlaskClient) -> None:
    """Ozone of 22 ppb all February, and none in March."""
    span = {"from": f"{YEAR_BEFORE}-01-01", "to": f"{YEAR_BEFORE}-12-31"}
    query = {"address": "60614", "parameter": 44201} | span
    days = rows_of(client.get("/api/v1/days.csv", query_string=query).text)
    months = rows_of(client.get("/api/v1/months.csv", query_string=query).text)
    hours = rows_of(client.get("/api/v1/hours.csv", query_string=query).text)
    assert (len(days), len(months), len(hours)) == (366, 12, 366 * 24)
    assert [row["value"] for row in days if row["date"] == f"{YEAR_BEFORE}-02-29"] == ["22.0"]
    assert (months[1]["hours"], months[1]["daily_days"]) == (str(29 * 24), "29")
    page = client.get("/air", query_string={"address": "60614", "year": YEAR_BEFORE}).text
    assert page.count("Feb 29: ") == 2  # of the index, and of ozone
    assert len(re.findall(r'title="\w{3} \d+: ', page)) == 2 * 366
    found = get(client, "/api/v1/day", address="60614", date=f"{YEAR_BEFORE}-02-29")
    assert found["day"]["value"] == 22
    refused = client.get("/api/v1/day", query_string={"address": "60614", "date": f"{YEAR}-02-29"})
    assert refused.get_json()["type"] == "/problems/bad-date"


def test_months_as_csv_equal_the_json(client: FlaskClient) -> None:
    span = {"from": f"{YEAR}-02-15", "to": f"{YEAR}-12-31"}
    query = {"address": "60614", "parameter": 44201} | span
    rows = rows_of(client.get("/api/v1/months.csv", query_string=query).text)
    found = get(client, "/api/v1/air", address="60614", year=YEAR, figures="point")
    (ozone,) = (each for each in found["pollutants"] if each["parameter"] == 44201)
    assert [row["month"] for row in rows] == [f"{YEAR}-{month:02}" for month in range(2, 13)]
    assert list(rows[0]) == list(columns.MONTHS)
    for row, month in zip(rows, ozone["months"][1:], strict=True):
        assert row["hourly_mean"] == str(month["hourly_mean"] or "")
        assert row["daily_max"] == str(month["daily"]["max"] or "")
        assert row["daily_aqi_days_good"] == str(month["daily"]["aqi_days"]["Good"])
        assert row["estimate"] == str(month["estimate"]).lower()
        assert row["expected_error_day"] == str(month["expected_error"]["day"] or "")


def test_a_month_fills_all_columns(client: FlaskClient) -> None:
    """A member that the JSON answer gains must get a column, too."""
    found = get(client, "/api/v1/air", address="60614", year=YEAR, figures="point")
    (ozone,) = (each for each in found["pollutants"] if each["parameter"] == 44201)
    assert [name for name, _ in columns.flat(ozone["months"][6])] == list(columns.MONTHS)


def test_search_engines_are_kept_from_addresses(client: FlaskClient) -> None:
    robots = client.get("/robots.txt")
    assert robots.mimetype == "text/plain"
    assert "Disallow: /api/" in robots.text
    for path in ("/air", "/history", "/compare", "/api/v1/days", "/api/v1/hours.csv"):
        for address in ("60614", "Atlantis, IL"):
            headers = client.get(path, query_string={"address": address}).headers
            assert headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get("/").headers


@pytest.mark.parametrize("path", ["/air?address=60614", "/history?address=60614",
                                  "/compare?address=60614&address=Fargo, ND"])  # fmt: skip
def test_shared_links_keep_the_year(client: FlaskClient, path: str) -> None:
    (link,) = re.findall(r'<link rel="canonical" href="([^"]+)"', client.get(path).text)
    assert f"year={YEAR}" in link or f"from={YEAR}-" in link


def unwrapped(operation: Any) -> Any:
    """Return what schemathesis found of an operation; fail where its description is bad."""
    return operation.ok()


def test_the_api_does_as_its_description_says(app: Flask) -> None:
    """Schemathesis asks what fits the description, and looks at every answer's form."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    for operation in schema.get_all_operations():

        @settings(max_examples=30, deadline=None, derandomize=True, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(unwrapped(operation).as_strategy())
        def as_described(case: schemathesis.Case) -> None:
            # Its client in the same process does not decompress.
            # That an address exists, no schema can tell.
            case.call_and_validate(
                excluded_checks=[positive_data_acceptance],
                headers={"Accept-Encoding": "identity"},
            )

        as_described()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_gives_a_server_error(app: Flask, mode: GenerationMode) -> None:
    """Known places with whatever else schemathesis makes up, within the description and beyond."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    addresses = st.sampled_from(["60614", "Fargo, ND", "Honolulu, HI", "Springfield", "0, 0", ""])
    for operation in schema.get_all_operations():

        @settings(max_examples=20, deadline=None, derandomize=True, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(unwrapped(operation).as_strategy(generation_mode=mode), addresses)
        def answered(case: schemathesis.Case, address: str) -> None:
            query = case.query if isinstance(case.query, dict) else {}
            many = case.path.endswith("compare")
            case.query = query | {"address": [address, "60614"] if many else address}
            assert case.call().status_code < 500

        answered()
