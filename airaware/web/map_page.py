"""The map: its page, the cells' shapes as vector tiles, and their values apart from the shapes.

    GET /map?parameter=44201&metric=hourly_mean&year=2017&month=7
    GET /tiles/<z>/<x>/<y>.mvt
    GET /tiles/values/<parameter>/<year>/<metric>/<z>/<x>/<y>
    GET /tiles/errors/<parameter>/<year>

Whoever asks with `v`, the version that the page names, may keep the answer for good.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from flask import (
    Blueprint,
    Response,
    current_app,
    render_template,
    request,
    url_for,
)

from airaware.science import grid, pollutants
from airaware.science.accuracy import DAILY, FROM_MILES, MONTH, season
from airaware.science.map_metrics import MAP_METRICS, MapMetric
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import POLLUTANTS
from airaware.science.sphere import KM_PER_MILE, REACH_KM
from airaware.store import shapes, tiles
from airaware.store.queries import Load
from airaware.web import asking
from airaware.web.errors import BadYearError, VisitorError
from airaware.web.formatting import MONTHS
from airaware.web.front_end import ASK_AGAIN, FOREVER, built

blueprint = Blueprint("map", __name__)

# Where a month has no value.
MISSING = -32768


class BadMapRequestError(VisitorError):
    """A tile, a pollutant, a metric or a month that does not exist."""

    kind = "bad-map-request"
    title = "Not on the map"
    meaning = "The tile, pollutant, metric, year or month of a map request does not exist."


@lru_cache(maxsize=1)
def shapes_version() -> str:
    """Return a short digest of what the shapes and their numbers are made from."""
    sources = (grid.CELLS_FILE, Path(shapes.__file__), Path(tiles.__file__))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def values_version(load: Load) -> str:
    """Return the version of a load's values, and of the shapes that they belong to."""
    return f"{shapes_version()}-{load.checksum}"


@blueprint.get("/map")
def page() -> str:
    """Return the map; without JavaScript, it leads to the search."""
    catalogue = _catalogue(asking.served().loads)
    return render_template(
        "map.html", pollutants=catalogue, chosen=_chosen(catalogue, request.args),
        months=MONTHS, addresses=_addresses(),
    )  # fmt: skip


@blueprint.get("/tiles/<int:z>/<int:x>/<int:y>.mvt")
def shapes_tile(z: int, x: int, y: int) -> Response:
    """Return the cells in a tile: a Mapbox Vector Tile with the layer `cells`, of ids alone."""
    _check_tile(z, x, y)
    reader = current_app.extensions["reader"]
    return _kept(
        shapes_version(),
        "application/vnd.mapbox-vector-tile",
        lambda: tiles.shapes(reader, z, x, y),
    )


@blueprint.get("/tiles/values/<int:parameter>/<int:year>/<metric>/<int:z>/<int:x>/<int:y>")
@asking.settled
def values_tile(parameter: int, year: int, metric: str, z: int, x: int, y: int) -> Response:
    """Return the values of a tile's cells in all twelve months, as `encode` packs them."""
    _check_tile(z, x, y)
    pollutant = _pollutant(parameter)
    shown = _metric(metric)
    reader = current_app.extensions["reader"]
    load = _loaded(pollutant, year)
    return _kept(
        values_version(load),
        "application/octet-stream",
        lambda: encode(tiles.values(reader, load, metric, z, x, y), shown.factor(pollutant)),
    )


@blueprint.get("/tiles/errors/<int:parameter>/<int:year>")
@asking.settled
def errors(parameter: int, year: int) -> Response:
    """Return the errors to expect of a mean and of a day, in the display unit, month by month.

    `near` has the least and the most over the distance classes within 30 miles, `far` the error
    beyond; null where too little is known. JSON.
    """
    pollutant = _pollutant(parameter)
    load = _loaded(pollutant, year)
    found = current_app.extensions["expected_errors"](load).by_class

    def of_month(quantity: str, month: int) -> dict[str, Any]:
        known = {
            begin: float(f"{error * pollutant.display_factor:.3g}")
            for begin in FROM_MILES
            if (error := found.get((quantity, begin, season(month)))) is not None
        }
        near = [error for begin, error in known.items() if begin * KM_PER_MILE < REACH_KM]
        far = [error for begin, error in known.items() if begin * KM_PER_MILE >= REACH_KM]
        return {"near": [min(near), max(near)] if near else None, "far": max(far, default=None)}

    errors = {
        quantity: [of_month(quantity, month) for month in range(1, 13)]
        for quantity in (MONTH, DAILY)
    }
    return _kept(values_version(load), "application/json", lambda: json.dumps(errors).encode())


def encode(values: tiles.Values, factor: float) -> bytes:
    """Pack a tile's values times `factor` in few bytes, little-endian, for n cells.

    uint32 n; float32 step; uint32 ids[n]; int16 values[12][n], in steps, MISSING where there is
    none; uint16 far[n], whose bit m says that month m rests on monitors beyond 30 miles only.
    """
    value = values.value * np.float32(factor)
    known = np.isfinite(value)
    largest = np.abs(value[known]).max(initial=0)
    step = np.float32(largest / 32767 or 1)
    steps = np.where(known, np.rint(np.where(known, value, 0) / step), MISSING)
    with np.errstate(invalid="ignore"):
        far = (values.nearest_km > REACH_KM) @ (1 << np.arange(12))
    return b"".join(
        (
            np.uint32(len(values.ids)).astype("<u4").tobytes(),
            step.astype("<f4").tobytes(),
            values.ids.astype("<u4").tobytes(),
            steps.T.astype("<i2").tobytes(),
            far.astype("<u2").tobytes(),
        )
    )


def _kept(version: str, mimetype: str, make: Callable[[], bytes]) -> Response:
    """Return an answer that caches keep: for good where the address names its version."""
    response = Response(mimetype=mimetype)
    response.set_etag(version, weak=True)
    response.headers["Cache-Control"] = FOREVER if request.args.get("v") == version else ASK_AGAIN
    if request.if_none_match.contains_weak(version):
        response.status_code = 304
    else:
        response.set_data(make())
    return response


def _check_tile(z: int, x: int, y: int) -> None:
    if not tiles.exists(z, x, y):
        raise BadMapRequestError(f"There is no such tile; zooms go from 0 to {tiles.MAX_ZOOM}.")


def _pollutant(parameter: int) -> Pollutant:
    if parameter not in POLLUTANTS:
        known = ", ".join(f"{each.code} ({each.label})" for each in POLLUTANTS.values())
        raise BadMapRequestError(f"There is no such parameter; there are {known}.")
    return pollutants.get(parameter)


def _metric(column: str) -> MapMetric:
    if column not in MAP_METRICS:
        raise BadMapRequestError(f"There is no such metric; there are {', '.join(MAP_METRICS)}.")
    return MAP_METRICS[column]


def _check_year(pollutant: Pollutant, year: int) -> None:
    first = pollutant.first_year
    if not first <= year <= asking.this_year():
        raise BadYearError(
            f"EPA's hourly data on {pollutant.label} begin in {first}; not in {year}."
        )


def _loaded(pollutant: Pollutant, year: int) -> Load:
    """Return the year as it is loaded. Raises BadYearError or YearNotLoadedError."""
    _check_year(pollutant, year)
    loads = [load for load in asking.served().loads if load.parameter == pollutant.code]
    for load in loads:
        if load.year == year:
            return load
    years = [load.year for load in loads]
    raise asking.not_loaded(f"There are no data on {pollutant.label} for {year}.", years)


def _catalogue(loads: Sequence[Load]) -> list[dict[str, Any]]:
    """Return what can be shown: pollutants as they are listed, the latest year first."""
    by_parameter = {
        parameter: sorted(found, key=lambda load: -load.year)
        for parameter, found in groupby(loads, lambda load: load.parameter)
    }
    return [
        {
            "parameter": pollutant.code,
            "label": pollutant.label,
            "unit": pollutant.display_unit,
            "metrics": _metrics(pollutant),
            "years": [
                {
                    "year": load.year,
                    "synthetic": load.synthetic,
                    "version": values_version(load),
                }
                for load in by_parameter[pollutant.code]
            ],
        }
        for pollutant in POLLUTANTS.values()
        if pollutant.code in by_parameter
    ]


def _metrics(pollutant: Pollutant) -> list[dict[str, Any]]:
    shown = []
    for metric in MAP_METRICS.values():
        low, high = metric.scale(pollutant)
        shown.append(
            {
                "name": metric.column,
                "label": metric.label(pollutant),
                "unit": metric.unit(pollutant),
                "low": low,
                "high": high,
                "errs_as": metric.errs_as,
            }
        )
    return shown


def _chosen(catalogue: list[dict[str, Any]], arguments: Mapping[str, str]) -> dict[str, Any]:
    """Return what a link to the map asks for; by default the first pollutant's latest July."""
    if not catalogue:
        return {}
    parameter = _number(arguments, "parameter", catalogue[0]["parameter"])
    pollutant = next((each for each in catalogue if each["parameter"] == parameter), None)
    if pollutant is None:
        current_app.extensions["reader"].check_complete()
        raise BadMapRequestError(f"There are no data on parameter {parameter} here.")
    metric = _metric(arguments.get("metric", next(iter(MAP_METRICS)))).column
    years = [each["year"] for each in pollutant["years"]]
    year = _number(arguments, "year", years[0])
    if year not in years:
        current_app.extensions["reader"].check_complete()
        raise BadMapRequestError(
            f"There are no data on {pollutant['label']} for {year};"
            f" there are for {', '.join(map(str, years))}."
        )
    month = _number(arguments, "month", 7)
    if not 1 <= month <= 12:
        raise BadMapRequestError("Months go from 1 to 12.")
    return {"parameter": parameter, "metric": metric, "year": year, "month": month}


def _number(arguments: Mapping[str, str], name: str, default: int) -> int:
    text = arguments.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise BadMapRequestError(f"'{name}' takes a number.")
    return int(text)


def _addresses() -> dict[str, str]:
    """Where the page's script finds the rest."""
    return {
        "air": url_for("pages.air"),
        "tiles": f"/tiles/{{z}}/{{x}}/{{y}}.mvt?v={shapes_version()}",
        "values": "/tiles/values",
        "errors": "/tiles/errors",
        "worker": built("map-worker.js"),
        "states": built("states.json"),
        "counties": built("counties.json"),
    }
