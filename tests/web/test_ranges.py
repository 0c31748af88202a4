"""The ranges of counts, where they are known and where they are not."""

import pytest
from flask.testing import FlaskClient
from handmade import YEAR, YEAR_BEFORE


def ranges_of(client: FlaskClient, address: str, year: int = YEAR, parameter: int = 44201):
    query = {"address": address, "figures": "point", "year": year}
    found = client.get("/api/v1/air", query_string=query).get_json()
    (pollutant,) = (each for each in found["pollutants"] if each["parameter"] == parameter)
    return pollutant["ranges"]


def test_counts_have_a_range_of_two_deviations(client: FlaskClient) -> None:
    """332 days of 21 to 32 ppb and two of 100: no error of 5 ppb changes what they are."""
    found = ranges_of(client, "60614")
    assert found["days_above_standard"] == {"low": 0, "high": 4}
    none = {"low": 0, "high": 2}
    assert found["aqi_days"] == {
        "Good": {"low": 330, "high": 334},
        "Moderate": none,
        "Unhealthy for Sensitive Groups": none,
        "Unhealthy": {"low": 0, "high": 4},
        "Very Unhealthy": none,
        "Hazardous": none,
    }
    text = " ".join(client.get("/air?address=60614").text.split())
    assert "of 334; 90% range 0 to 4" in text
    assert "90% ranges of the real counts: 330 to 334 Good," in text


@pytest.mark.parametrize(
    "asked", [("Fargo, ND",), ("60614", YEAR_BEFORE), ("60614", YEAR, 88101), ("96813",)]
)
def test_where_errors_are_not_known_there_is_no_range(client: FlaskClient, asked) -> None:
    """Too far, of a load of before, of a pollutant that few monitors measure, without monitors."""
    assert ranges_of(client, *asked) is None
