"""Which arguments the API refuses, and what pages make of them."""

import pytest
from flask.testing import FlaskClient
from handmade import YEAR, YEAR_BEFORE

from airaware.web import openapi


@pytest.mark.parametrize(
    ("path", "query", "status", "kind"),
    [
        ("/air", {"figures": "county"}, 400, "bad-choice"),
        ("/days", {"year": "1979"}, 400, "bad-year"),
        ("/days", {"year": "1981"}, 404, "year-not-loaded"),
        ("/hours", {"parameter": "12345"}, 400, "bad-parameter"),
        ("/hours", {"parameter": "ozone"}, 400, "bad-parameter"),
        ("/hours", {"parameter": "42602"}, 404, "year-not-loaded"),
        ("/hours", {"from": "yesterday"}, 400, "bad-date"),
        ("/hours", {"from": f"{YEAR}-02-30"}, 400, "bad-date"),
        ("/hours", {"from": "20250704"}, 400, "bad-date"),
        ("/hours", {"from": "0001-01-01"}, 400, "bad-date"),
        ("/hours", {"from": "9999-12-31"}, 400, "bad-date"),
        ("/hours", {"from": f"{YEAR}-07-04", "to": f"{YEAR}-07-03"}, 400, "bad-date"),
        ("/hours", {"from": "1990-01-01", "to": "1990-01-02"}, 404, "year-not-loaded"),
        ("/hours", {"from": f"{YEAR_BEFORE}-01-01", "to": f"{YEAR}-01-01"}, 400, "bad-date"),
        ("/hours.csv", {"from": "yesterday"}, 400, "bad-date"),
        ("/hours.parquet", {"parameter": "1"}, 400, "bad-parameter"),
        ("/compare", {}, 400, "bad-number-of-addresses"),
        ("/compare", {"address": ["60614"] * 5}, 400, "bad-number-of-addresses"),
        ("/compare", {"address": ["60614", "Atlantis, IL"]}, 404, "unknown-address"),
    ],
)
def test_what_is_out_of_range_is_a_problem_document(
    client: FlaskClient, path: str, query: dict, status: int, kind: str
) -> None:
    response = client.get(f"/api/v1{path}", query_string={"address": "60614"} | query)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["type"] == f"/problems/{kind}"


@pytest.mark.parametrize("path", [*openapi.PATHS, "/openapi.json"])
def test_an_unknown_argument_is_refused(client: FlaskClient, path: str) -> None:
    response = client.get(f"/api/v1{path}?address=60614&adress=60615")
    assert response.status_code == 400
    assert response.get_json()["type"] == "/problems/unknown-argument"


@pytest.mark.parametrize(
    ("path", "argument"),
    [
        (path, argument["name"])
        for path, item in openapi.PATHS.items()
        for argument in item["get"]["parameters"]
        if (path, argument["name"]) != ("/compare", "address")
    ],
)
def test_a_repeated_and_an_empty_argument_are_refused(
    client: FlaskClient, path: str, argument: str
) -> None:
    valid = [("address", "60614"), ("address", "Fargo, ND")][: 1 + (path == "/compare")]
    values = {"address": "60614", "year": YEAR, "parameter": 44201, "figures": "grid"}
    value = values.get(argument, f"{YEAR}-07-04")
    others = [pair for pair in valid if pair[0] != argument]
    twice = client.get(f"/api/v1{path}", query_string=[*others, *[(argument, value)] * 2])
    empty = client.get(f"/api/v1{path}", query_string=[*others, (argument, "")])
    kind = "empty-address" if argument == "address" else "empty-argument"
    for response, expected in ((twice, "repeated-argument"), (empty, kind)):
        assert response.status_code == 400
        assert response.mimetype == openapi.PROBLEM
        problem = response.get_json()
        assert problem["type"] == f"/problems/{expected}"
        assert kind == "empty-address" or f"`{argument}`" in problem["detail"]
    once = client.get(f"/api/v1{path}", query_string=[*others, (argument, value)])
    assert once.status_code == 200


def test_a_comparison_by_the_api_leaves_no_empty_address_out(client: FlaskClient) -> None:
    query = "address=60614&address=Fargo, ND&address="
    response = client.get(f"/api/v1/compare?{query}")
    assert (response.status_code, response.get_json()["type"]) == (400, "/problems/empty-address")
    assert client.get(f"/compare?{query}").status_code == 200


def test_pages_accept_arguments_that_they_do_not_know(client: FlaskClient) -> None:
    assert client.get("/air?address=60614&utm_source=mail").status_code == 200


def test_pages_take_the_first_of_several_values_and_defaults_for_empty_ones(
    client: FlaskClient,
) -> None:
    years = f"year={YEAR_BEFORE}&year={YEAR}"
    first = client.get(f"/air?address=60614&{years}")
    assert first.status_code == 200
    assert f"In {YEAR_BEFORE} ozone" in " ".join(first.text.split())
    assert client.get("/air?address=60614&year=").text == client.get("/air?address=60614").text
    empty = "parameter=&from=&date="
    for page in ("/history", "/day"):
        assert client.get(f"{page}?address=60614&{empty}").status_code == 200
