"""The map: its tiles, the values apart from them, and the page in a browser."""

import re
from contextlib import closing

import h3.api.basic_int as h3
import mapbox_vector_tile
import numpy as np
import pytest
from browser import Site, visit
from flask.testing import FlaskClient
from handmade import CHICAGO, FARGO, SYNTHETIC, YEAR, YEAR_BEFORE, cell_at
from playwright.sync_api import Browser, Page, Position, expect
from psycopg2.extras import NamedTupleCursor

from airaware import store
from airaware.science import grid
from airaware.science.map_metrics import MAP_METRICS
from airaware.settings import Zone
from airaware.store import shapes, tiles
from airaware.web import map_page

METRIC = f"values/44201/{YEAR}/hourly_mean"


def tile_at(place: tuple[float, float], z: int) -> tuple[int, int, int]:
    """The tile of a point (latitude and longitude in degrees)."""
    latitude, longitude = place
    x = (longitude + 180) / 360
    y = (1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2
    return z, int(x * 2**z), int(y * 2**z)


def path(kind: str, tile: tuple[int, int, int]) -> str:
    """The address of a tile; `kind` is empty for shapes."""
    z, x, y = tile
    return f"/tiles/{kind}/{z}/{x}/{y}" if kind else f"/tiles/{z}/{x}/{y}.mvt"


def cells_in(client: FlaskClient, tile: tuple[int, int, int]) -> dict[int, list]:
    """The outer ring of each cell in a tile, in tile units with y downwards, by id."""
    response = client.get(path("", tile))
    assert response.status_code == 200
    layers = mapbox_vector_tile.decode(response.data, default_options={"y_coord_down": True})
    assert list(layers) == ["cells"]
    return {each["id"]: each["geometry"]["coordinates"][0] for each in layers["cells"]["features"]}


def decode(body: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `map_page.encode` packed: ids (n,), values (12, n) with NaN, far (12, n)."""
    count, step = int(np.frombuffer(body, "<u4", 1)[0]), np.frombuffer(body, "<f4", 1, 4)[0]
    ids = np.frombuffer(body, "<u4", count, 8)
    steps = np.frombuffer(body, "<i2", 12 * count, 8 + 4 * count).reshape(12, count)
    far = np.frombuffer(body, "<u2", count, 8 + 28 * count)
    assert len(body) == 8 + 30 * count
    values = np.where(steps == map_page.MISSING, np.nan, steps * step)
    return ids, values, far[None, :] >> np.arange(12)[:, None] & 1


def rows_of(zone: Zone, sql: str, parameters: tuple = ()) -> list:
    """Return the rows of a query that scans a whole table: a visitor's limit of time is not its."""
    with (
        closing(store.connect(zone)) as connection,
        connection.cursor(cursor_factory=NamedTupleCursor) as cursor,
    ):
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def ids_of(zone: Zone, cells: list[int]) -> list[int]:
    """Return the map's numbers of some cells."""
    rows = rows_of(zone, "SELECT cell, id FROM cell_shape WHERE cell = ANY(%s)", (cells,))
    numbers = {row.cell: row.id for row in rows}
    return [numbers[cell] for cell in cells]


def test_shapes_are_the_cells_outlines(client: FlaskClient, zones: tuple[Zone, ...]) -> None:
    tile = _, x, y = tile_at(CHICAGO, 7)
    cell = cell_at(*CHICAGO)
    ring = np.array(cells_in(client, tile)[ids_of(zones[0], [cell])[0]], dtype=float)
    expected = []
    for latitude, longitude in h3.cell_to_boundary(cell):
        _, column, row = tile_at((latitude, longitude), 40)
        scale = 2.0 ** (7 - 40)
        expected.append(((column * scale - x) * 4096, (row * scale - y) * 4096))
    assert len(ring) == 7
    distance = np.abs(ring[:, None] - np.array(expected)[None]).max(axis=2)
    assert distance.min(axis=1).max() <= 0.51
    # Outer rings go clockwise on the screen: the area is positive with y downwards.
    closed = np.roll(ring, -1, axis=0)
    assert (ring[:, 0] * closed[:, 1] - closed[:, 0] * ring[:, 1]).sum() > 0


@pytest.mark.parametrize(("z", "resolution"), [(0, 3), (2, 3), (3, 4), (4, 4), (6, 5), (7, 6)])
def test_coarse_zooms_have_parents(
    client: FlaskClient, zones: tuple[Zone, ...], z: int, resolution: int
) -> None:
    parent = h3.cell_to_parent(cell_at(*CHICAGO), resolution)
    found = cells_in(client, tile_at(h3.cell_to_latlng(parent), z))
    assert ids_of(zones[0], [parent])[0] in found
    assert len(found) <= 4500


def test_every_cell_has_a_number_of_its_own(zones: tuple[Zone, ...]) -> None:
    finest = set(grid.load().cells.tolist())
    expected = sum(
        len({h3.cell_to_parent(cell, each) for cell in finest}) for each in shapes.RESOLUTIONS
    )
    for zone in zones:
        (row,) = rows_of(
            zone,
            "SELECT count(DISTINCT id) AS ids, count(DISTINCT cell) AS cells, max(id) AS last,"
            " bool_and(ST_IsValid(shape)) FILTER (WHERE resolution < 5) AS valid,"
            " max(ST_XMax(shape) - ST_XMin(shape)) AS widest_metres FROM cell_shape",
        )
        assert row.ids == row.cells == row.last + 1 == expected
        assert row.valid
        # None goes around the world, at the antimeridian neither.
        assert row.widest_metres < 700_000


def test_values_belong_to_the_shapes(client: FlaskClient, zones: tuple[Zone, ...]) -> None:
    tile = tile_at(CHICAGO, 7)
    response = client.get(path(METRIC, tile))
    ids, values, far = decode(response.data)
    assert ids.tolist() == ids_of(zones[0], [cell_at(*CHICAGO)])
    assert set(ids.tolist()) <= set(cells_in(client, tile))
    expected = [np.nan if month == 3 else 20 + month for month in range(1, 13)]
    assert values[:, 0] == pytest.approx(expected, rel=1e-4, nan_ok=True)
    assert not far.any()


def test_far_estimates_are_marked(client: FlaskClient) -> None:
    ids, values, far = decode(client.get(path(METRIC, tile_at(FARGO, 7))).data)
    assert len(ids) == 1
    assert np.isfinite(values).all()
    assert far.all()


@pytest.mark.parametrize("metric", MAP_METRICS)
def test_parents_have_the_mean_of_their_children(
    client: FlaskClient, zones: tuple[Zone, ...], metric: str
) -> None:
    parents = [h3.cell_to_parent(cell_at(*place), 3) for place in (CHICAGO, FARGO)]
    ids, coarse, far = decode(client.get(path(f"values/44201/{YEAR}/{metric}", (1, 0, 0))).data)
    assert sorted(ids_of(zones[0], parents)) == ids.tolist()
    assert sorted(np.all(far, axis=0).tolist()) == [False, True]
    # Each has one descendant with values, so that the mean is that one's.
    _, fine, _ = decode(client.get(path(f"values/44201/{YEAR}/{metric}", tile_at(CHICAGO, 7))).data)
    column = ids.tolist().index(ids_of(zones[0], parents)[0])
    assert coarse[:, column] == pytest.approx(fine[:, 0], rel=2e-4, nan_ok=True)


def test_tile_without_data_has_no_values(client: FlaskClient) -> None:
    ids, values, far = decode(client.get(path(METRIC, (7, 0, 0))).data)
    assert ids.size == values.size == far.size == 0


def test_encoding_keeps_negative_and_missing_values() -> None:
    rng = np.random.default_rng(1)
    value = rng.normal(5, 10, (50, 12)).astype(np.float32)
    value[rng.random(value.shape) < 0.3] = np.nan
    nearest_km = rng.uniform(0, 100, value.shape).astype(np.float32)
    packed = map_page.encode(tiles.Values(np.arange(50, dtype=np.uint32), value, nearest_km), 10)
    ids, values, far = decode(packed)
    assert ids.tolist() == list(range(50))
    assert values == pytest.approx(10 * value.T, abs=0.01, nan_ok=True)
    assert np.array_equal(far.astype(bool), nearest_km.T > 48.28032)


def test_errors_to_expect_near_and_far(client: FlaskClient) -> None:
    found = client.get(f"/tiles/errors/44201/{YEAR}").get_json()
    assert found["month"][0] == {"near": [3, 3], "far": 8}
    assert found["daily"][6] == {"near": [5, 5], "far": 8}
    unknown = client.get(f"/tiles/errors/44201/{YEAR_BEFORE}").get_json()
    assert unknown["month"] == unknown["daily"] == [{"near": None, "far": None}] * 12


@pytest.mark.parametrize("kind", ["", METRIC])
def test_caches_may_keep_what_names_its_version(client: FlaskClient, kind: str) -> None:
    address = path(kind, tile_at(CHICAGO, 6))
    first = client.get(address)
    assert first.headers["Cache-Control"] == "public, no-cache"
    version = first.headers["ETag"].removeprefix('W/"').removesuffix('"')
    lasting = client.get(address, query_string={"v": version})
    assert "immutable" in lasting.headers["Cache-Control"]
    assert lasting.data == first.data
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "Accept-Encoding" in first.headers["Vary"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/tiles/8/0/0.mvt", 400),
        ("/tiles/3/8/0.mvt", 400),
        ("/tiles/3/0/8.mvt", 400),
        ("/tiles/99999999999999999999/0/0.mvt", 400),
        ("/tiles/-1/0/0.mvt", 404),
        ("/tiles/x/0/0.mvt", 404),
        (f"/tiles/values/44201/{YEAR}/hourly_mean/8/0/0", 400),
        (f"/tiles/values/44201/{YEAR}/hourly_median/3/1/2", 400),
        (f"/tiles/values/44201/{YEAR}/hours; DROP TABLE load/3/1/2", 400),
        (f"/tiles/values/1/{YEAR}/hourly_mean/3/1/2", 400),
        ("/tiles/values/44201/1979/hourly_mean/3/1/2", 400),
        ("/tiles/values/44201/99999999999/hourly_mean/3/1/2", 400),
        ("/tiles/values/44201/1981/hourly_mean/3/1/2", 404),
        ("/tiles/errors/1/2017", 400),
        ("/tiles/errors/44201/1979", 400),
        ("/tiles/errors/44201/1981", 404),
    ],
)
def test_tiles_that_do_not_exist(client: FlaskClient, address: str, status: int) -> None:
    response = client.get(address)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["status"] == status


@pytest.mark.parametrize(
    "query",
    ["parameter=1", "parameter=x", "metric=sum", "year=1979", "year=1981", "year=-1", "month=0",
     "month=13", "month=²", "year=99999999"],
)  # fmt: skip
def test_pages_that_do_not_exist(client: FlaskClient, query: str) -> None:
    response = client.get(f"/map?{query}")
    assert response.status_code == 400
    assert "<title>" in response.text


def test_page_offers_what_is_loaded(client: FlaskClient) -> None:
    response = client.get(f"/map?parameter=44201&year={YEAR_BEFORE}&month=2")
    assert response.status_code == 200
    assert f'<option value="{YEAR_BEFORE}" selected>' in response.text
    assert 'id="month-2" value="2" checked' in response.text
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'; worker-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    # Whatever the script fetches is there, and kept for good.
    for address in re.findall(r"/built/[0-9a-f]{12}/[a-z.-]+", response.text):
        file = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert file.status_code == 200
        assert file.headers["Content-Encoding"] == "gzip"
        assert "immutable" in file.headers["Cache-Control"]
    assert client.get("/built/0/../../app.py").status_code == 404


def shapes_requested(page: Page) -> int:
    """How many tiles of shapes the page has fetched."""
    names = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    return sum(".mvt" in name for name in names)


def test_from_the_map_to_an_address(page: Page) -> None:
    latitude, longitude = CHICAGO
    page.goto("/")
    page.get_by_role("navigation", name="Site").get_by_role("link", name="Map").click()
    expect(page).to_have_title(re.compile("Map of the air"))
    page.goto(f"/map?parameter=44201&year={YEAR}&month=4&at={latitude},{longitude},9")
    expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
    expect(page.get_by_role("radio", name="Apr")).to_be_checked()
    canvas = page.locator("#map canvas")
    box = canvas.bounding_box()
    assert box
    middle: Position = {"x": box["width"] / 2, "y": box["height"] / 2}
    canvas.hover(position=middle)
    expect(page.locator("#tip")).to_have_text("24.0 ppb")

    error = page.locator("#legend-error")
    expect(error).to_have_text("Expected error: ± 3.0 ppb.")

    expect(page.locator("#legend-far")).to_have_text(", ± 8.0 ppb")

    before = shapes_requested(page)
    page.get_by_role("radio", name="May").check(force=True)
    canvas.hover(position={"x": middle["x"] + 3, "y": middle["y"]})
    expect(page.locator("#tip")).to_have_text("25.0 ppb")
    assert shapes_requested(page) == before
    expect(page).to_have_url(re.compile(r"month=5&at=41\.9"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    expect(page.locator("#synthetic")).not_to_be_visible()
    page.get_by_label("Pollutant").select_option(str(SYNTHETIC))
    expect(page.locator("#synthetic")).to_be_visible()
    expect(error).to_have_text("Expected error: not known (too few monitors).")
    canvas.click(position=middle)
    opened = rf"/air\?address=41\.9.*&year={YEAR}#pollutant-{SYNTHETIC}"
    expect(page).to_have_url(re.compile(opened))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_tap_shows_the_value_and_a_second_opens_the_place(browser: Browser, site: Site) -> None:
    latitude, longitude = CHICAGO
    with visit(browser, site, "phone", has_touch=True) as page:
        page.goto(f"/map?parameter=44201&year={YEAR}&month=4&at={latitude},{longitude},9")
        expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
        canvas = page.locator("#map canvas")
        box = canvas.bounding_box()
        assert box
        middle: Position = {"x": box["width"] / 2, "y": box["height"] / 2}
        canvas.tap(position=middle)
        expect(page.locator("#tip")).to_have_text("24.0 ppb")
        assert "/map" in page.url
        canvas.tap(position=middle)
        expect(page).to_have_url(re.compile(r"/air\?address=41\.9.*#pollutant-44201"))


def test_months_play_and_places_are_reached(page: Page) -> None:
    page.goto(f"/map?parameter=44201&year={YEAR}&month=11")
    expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
    page.get_by_role("button", name="Play the months").click()
    expect(page.get_by_role("radio", name="Jan")).to_be_checked(timeout=10_000)
    page.get_by_role("button", name="Play the months").click()
    page.get_by_role("button", name="Hawaii").click()
    expect(page).to_have_url(re.compile(r"at=20\.\d+%2C-157\.\d+"), timeout=10_000)


@pytest.mark.parametrize("kind", ["values/**", "*/*/*.mvt*"])
def test_the_map_says_that_a_part_of_it_is_missing_until_it_is_there(page: Page, kind: str) -> None:
    latitude, longitude = CHICAGO
    tiles = f"**/tiles/{kind}"
    page.route(tiles, lambda route: route.fulfill(status=429, headers={"Retry-After": "5"}))
    page.goto(f"/map?parameter=44201&year={YEAR}&month=4&at={latitude},{longitude},9")
    expect(page.locator("#map-page.ready")).to_be_attached(timeout=30_000)
    status = page.get_by_role("status")
    expect(status).to_contain_text("Part of the map cannot be had right now")
    page.unroute(tiles)
    expect(status).to_be_empty()


def test_a_printed_map_is_whole_and_says_what_it_shows(page: Page) -> None:
    page.goto(f"/map?parameter=44201&year={YEAR}&month=11")
    expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
    page.emulate_media(media="print")
    expect(page.locator(".map-key")).to_contain_text(f"Nov {YEAR}")
    expect(page.get_by_role("button", name="Zoom in")).not_to_be_visible()
    # It shrinks with the sheet, before any script can draw it anew.
    width = page.locator("#map").evaluate(
        "(it) => { it.style.maxWidth = '300px'; return it.querySelector('canvas').clientWidth; }"
    )
    assert width == 300


def test_keyboard_reaches_an_address_from_the_map(page: Page) -> None:
    latitude, longitude = CHICAGO
    page.goto(f"/map?at={latitude},{longitude},9")
    expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
    page.locator("#map canvas").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/air\?address=41\.92"))
