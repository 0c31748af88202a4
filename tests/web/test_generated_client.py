"""A client that openapi-python-client makes from the site's OpenAPI document."""

import importlib
import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas
import pytest
import requests
from browser import Site
from handmade import YEAR

from airaware.web.openapi import PATHS

# The generator knows no media type for Parquet: its users name it as bytes.
CONFIG = 'content_type_overrides: {"application/vnd.apache.parquet": "application/octet-stream"}\n'
PACKAGE = "generated_airaware"
CHICAGO, FARGO, UNKNOWN, AMBIGUOUS = "60614", "Fargo, ND", "Atlantis, IL", "Springfield"
DAY = date(YEAR, 7, 4)
SPAN = {"address": CHICAGO, "from_": DAY, "to": DAY}
CALLS: dict[str, dict[str, Any]] = {
    "air": {"address": CHICAGO, "year": YEAR},
    "days": {"address": CHICAGO, "year": YEAR},
    "day": {"address": CHICAGO, "date": DAY},
    "hours": SPAN,
    "hours_csv": SPAN,
    "hours_parquet": SPAN,
    "days_csv": SPAN,
    "months_csv": SPAN,
    "compare": {"address": [CHICAGO, FARGO], "year": YEAR},
}
# The types of answers in JSON.
ANSWERS = {
    **{"air": "GridAir", "days": "Days", "day": "Working", "hours": "Hours"},
    "compare": "Compared",
}


@pytest.fixture(scope="module")
def api(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Asks the site by the generated package: `api(name, **arguments)` is the whole response."""
    folder = tmp_path_factory.mktemp("generated")
    document, config = folder / "openapi.json", folder / "config.yml"
    document.write_bytes(requests.get(f"{site.url}/api/v1/openapi.json", timeout=60).content)
    config.write_text(CONFIG + "post_hooks: []\n")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", document, "--output-path", folder / PACKAGE, "--config", config),
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        client = importlib.import_module(f"{PACKAGE}.client").Client(base_url=f"{site.url}/api/v1")
        with client:
            yield lambda name, **arguments: importlib.import_module(
                f"{PACKAGE}.api.default.{name}"
            ).sync_detailed(client=client, **arguments)
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if each.startswith(PACKAGE)]:
            del sys.modules[name]


def test_every_path_has_a_call() -> None:
    assert {path.strip("/").replace(".", "_") for path in PATHS} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_each_path_is_answered_in_its_media_type(api, name: str) -> None:
    response = api(name, **CALLS[name])
    assert response.status_code == 200
    assert response.parsed is not None
    if name.endswith("_csv"):
        assert len(pandas.read_csv(io.StringIO(response.parsed), comment="#")) > 0
    elif name.endswith("_parquet"):
        assert len(pandas.read_parquet(response.parsed.payload)) == 24
    else:
        assert type(response.parsed).__name__ == ANSWERS[name]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("address", "status"), [(UNKNOWN, 404), (AMBIGUOUS, 409)])
def test_each_path_s_errors_are_problems(api, name: str, address: str, status: int) -> None:
    named = [CHICAGO, address] if name == "compare" else address
    response = api(name, **CALLS[name] | {"address": named})
    assert response.status_code == status
    assert type(response.parsed).__name__ == "Problem"
    assert response.parsed.status == status
    assert response.parsed.type_.startswith("/problems/")


def test_figures_at_the_point_are_of_their_own_type(api) -> None:
    figures = importlib.import_module(f"{PACKAGE}.models.air_figures").AirFigures
    response = api("air", **CALLS["air"], figures=figures.POINT)
    assert type(response.parsed).__name__ == "PointAir"


def test_a_value_that_is_out_of_range_is_a_problem(api) -> None:
    response = api("air", address=CHICAGO, year=1900)
    assert response.status_code == 400
    assert response.parsed.type_ == "/problems/bad-year"
