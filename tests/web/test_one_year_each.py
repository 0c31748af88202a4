"""Zones that hold different years, or none yet: the site answers for all that any zone holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from deadline import until
from flask.testing import FlaskClient
from handmade import YEAR, as_owner, remove, submit

from airaware.settings import Settings, Zone
from airaware.web import create_app
from tools.environments.local import Local
from tools.machine.postgres import Cluster

OZONE, EARLIER, LATER = 44201, 2012, 2013
BACK_SECONDS = 30

pytestmark = pytest.mark.usefixtures("nothing_loaded")


@pytest.fixture
def client_for(settings_for: Callable[..., Settings]) -> Callable[..., FlaskClient]:
    return lambda zones: create_app(settings_for(zones)).test_client()


@contextmanager
def loaded(*loads: tuple[Zone, int]) -> Iterator[None]:
    for zone, year in loads:
        submit(zone, OZONE, year)
    try:
        yield
    finally:
        for zone, year in loads:
            remove(zone, OZONE, year)


@contextmanager
def stopped(cluster: Cluster) -> Iterator[None]:
    cluster.stop()
    try:
        yield
    finally:
        cluster.start()


def air(year: int) -> str:
    return f"/api/v1/air?address=60614&figures=point&year={year}"


def test_each_zone_has_one_of_two_years(zones, reader_zones, client_for):
    with loaded((zones[0], EARLIER), (zones[1], LATER)):
        for order in (reader_zones, reader_zones[::-1]):
            client = client_for(order)
            for year in (EARLIER, LATER):
                answer = client.get(air(year)).get_json()
                assert answer["years"] == [LATER, EARLIER]
                (ozone,) = answer["pollutants"]
                assert ozone["summary"]["hourly_mean"] > 0
                assert [each["year"] for each in ozone["years"]] == [EARLIER, LATER]
                values = f"/tiles/values/{OZONE}/{year}/hourly_mean/4/4/5"
                assert client.get(values).status_code == 200
                assert client.get(f"/tiles/errors/{OZONE}/{year}").status_code == 200
            span = f"address=60614&parameter={OZONE}&from={EARLIER}-07-01&to={LATER}-07-31"
            text = client.get(f"/api/v1/months.csv?{span}").text
            assert f"hourly_{OZONE}_{EARLIER}.zip" in text
            assert f"hourly_{OZONE}_{LATER}.zip" in text
            assert {f"{EARLIER}-12,", f"{LATER}-01,"} <= {row[:8] for row in text.splitlines()}


def test_an_empty_zone_never_answers_404(region: Local, zones, reader_zones, client_for):
    """Whichever of the empty database, the full one and the web server was started last."""
    empty, full = region.clusters["a"], region.clusters["b"]

    def status(client: FlaskClient) -> int:
        return client.get(air(LATER)).status_code

    with loaded((zones[1], LATER)):
        before = client_for(reader_zones)
        assert status(before) == 200
        with stopped(full):
            started_meanwhile = client_for(reader_zones)
            for client in (before, started_meanwhile):
                assert status(client) == 503
                assert client.get("/readyz").status_code == 200
        for client in (before, started_meanwhile):
            until(lambda client=client: status(client) == 200, BACK_SECONDS)
        with stopped(empty):
            for client in (before, started_meanwhile, client_for(reader_zones)):
                assert status(client) == 200
        assert status(before) == 200


def test_a_zone_that_is_half_filled_calls_no_year_missing(
    region: Local, zones, reader_zones, client_for
):
    with loaded((zones[0], LATER), (zones[1], LATER), (zones[1], EARLIER)):
        assert client_for(reader_zones).get(air(EARLIER)).status_code == 200
        assert client_for(reader_zones).get(air(1999)).status_code == 404
        with stopped(region.clusters["b"]):
            client = client_for(reader_zones)
            assert client.get(air(LATER)).status_code == 200
            for year in (EARLIER, 1999):
                assert client.get(air(year)).status_code == 503
                tile = f"/tiles/values/{OZONE}/{year}/hourly_mean/4/4/5"
                assert client.get(tile).status_code == 503


def test_an_error_that_one_zone_lacks_is_shown_once_another_answers(
    region: Local, zones, reader_zones, client_for
):
    def errors(client: FlaskClient) -> list[float | None]:
        """On the page, and on the map."""
        (ozone,) = client.get(air(YEAR)).get_json()["pollutants"]
        of_map = client.get(f"/tiles/errors/{OZONE}/{YEAR}").get_json()
        return [ozone["summary"]["expected_error"]["hourly_mean"], of_map["month"][6]["near"]]

    with loaded((zones[0], YEAR), (zones[1], YEAR)):
        with as_owner(zones[0]) as cursor:
            cursor.execute("DELETE FROM residual WHERE year = %s", (YEAR,))
        client = client_for(reader_zones)
        assert errors(client) == [None, None]
        with stopped(region.clusters["a"]):
            assert all(errors(client))
