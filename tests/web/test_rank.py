"""How a place ranks, counted again from what the store has of cells and ZIP codes."""

import h3.api.basic_int as h3
from flask.testing import FlaskClient
from handmade import YEAR, YEAR_BEFORE, as_owner

from airaware.gazetteer.places import covered_zip_codes
from airaware.science import grid
from airaware.settings import Zone


def at_point(client: FlaskClient, year: int, parameter: int = 44201) -> dict:
    """The answer of 60614."""
    query = {"address": "60614", "figures": "point", "year": year}
    found = client.get("/api/v1/air", query_string=query).get_json()
    return next(each for each in found["pollutants"] if each["parameter"] == parameter)


def ranks_by_hand(zones: tuple[Zone, ...], figure: float) -> dict[str, list[int]]:
    """Count ZIP codes with a higher, the same and a lower figure than one in ppb, of the store's.

    One by one, for the country and Illinois.
    """
    with as_owner(zones[0]) as cursor:
        cursor.execute(
            "SELECT unnest(cells), unnest(figures) * 1000 FROM ranking WHERE parameter = 44201"
            " AND year = %s",
            (YEAR,),
        )
        stored = dict(cursor.fetchall())
    found = {"US": [0, 0, 0], "IL": [0, 0, 0]}
    for code in covered_zip_codes().values():
        cell = h3.latlng_to_cell(code.latitude, code.longitude, grid.RESOLUTION)
        if cell in stored:
            off = stored[cell] - figure
            place = 1 if abs(off) < 1e-4 else 0 if off > 0 else 2
            for area in {"US", code.state} & set(found):
                found[area][place] += 1
    return found


def test_the_sentence_is_true(client: FlaskClient, zones: tuple[Zone, ...]) -> None:
    """Of Chicago's days, two had 100 ppb, and each of December's 32."""
    ozone = at_point(client, YEAR)
    by_hand = ranks_by_hand(zones, 32)
    assert min(min(counts) for counts in by_hand.values()) >= 1
    assert ozone["rank"] == {
        "measure": "fourth-highest day",
        "value": 32,
        "areas": [
            {"area": area, "rank": higher + 1, "higher": higher, "alike": alike, "lower": lower}
            for area, (higher, alike, lower) in by_hand.items()
        ],
    }
    shares = {
        area: max(
            (100 * n // sum(counts), how)
            for n, how in zip(counts, ("lower than", "as", "higher than"), strict=True)
        )
        for area, counts in by_hand.items()
    }
    country, state = (f"{how} in {percent}%" for percent, how in shares.values())
    assert ozone["sentence"] == (
        f"In {YEAR} ozone was above 70 ppb, the level of the 2015 standard, on 2 days of the 334"
        " that can be judged (90% range: 0 to 4). Its fourth-highest day, 32.0 ppb, was"
        f" {country} of the ZIP codes that have a monitor within 30 miles, and {state} of those in"
        " IL."
    )
    page = client.get("/air?address=60614").text
    assert f"of {sum(by_hand['IL'])} ZIP codes; 1 is the highest" in page


def test_without_enough_of_the_year_or_in_a_load_of_before_there_is_no_rank(
    client: FlaskClient,
) -> None:
    """Chicago has no March, and the year before was loaded without what cells are ranked by."""
    assert at_point(client, YEAR, 88101)["rank"] is None
    before = at_point(client, YEAR_BEFORE)
    assert before["rank"] is None
    assert "%" not in before["sentence"]
