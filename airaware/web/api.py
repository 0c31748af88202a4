"""The API, version 1: its answers and files; `airaware.web.error_pages` has its errors."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request

from airaware.web import asking, download, openapi, view_model, working
from airaware.web.asking import At
from airaware.web.errors import (
    BadChoiceError,
    BadDateError,
    BadNumberOfPlacesError,
    EmptyArgumentError,
    RepeatedArgumentError,
    UnknownArgumentError,
)

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

FIGURES = {"grid": view_model.grid, "point": view_model.at_point}


@blueprint.before_request
def _refuse_unclear_arguments() -> None:
    """Refuse what would silently get another answer than was meant: misspelled, twice, or empty.

    Raises UnknownArgumentError, RepeatedArgumentError or EmptyArgumentError.
    """
    path = str(request.url_rule).removeprefix(str(blueprint.url_prefix))
    known = openapi.arguments(path)
    for name, values in request.args.lists():
        if name not in known:
            raise UnknownArgumentError(
                f"`{name}` is not an argument of {path}; it takes {', '.join(known) or 'none'}."
            )
        if len(values) > 1 and known[name]["schema"].get("type") != "array":
            raise RepeatedArgumentError(f"`{name}` came {len(values)} times; {path} takes one.")
        # An empty address has an error of its own.
        if "" in values and name != "address":
            raise EmptyArgumentError(f"`{name}` is empty: give it a value, or leave it out.")


@blueprint.get("/air")
@asking.settled
def air() -> Response:
    """Return the air at `address` in `year` (the latest year if it is not given)."""
    year = asking.year(request.args.get("year", ""))
    figures = request.args.get("figures", "grid")
    if figures not in FIGURES:
        raise BadChoiceError(
            "`figures` is grid (the nearest grid point) or point (the exact place)."
        )
    at = asking.at(request.args.get("address", ""))
    year = asking.loaded_year(at, year)
    return _unless_known([at], lambda: jsonify(FIGURES[figures](at, year)))


@blueprint.get("/days")
@asking.settled
def days() -> Response:
    """Each day of `year` at `address`."""
    year = asking.year(request.args.get("year", ""))
    at = asking.at(request.args.get("address", ""))
    year = asking.loaded_year(at, year)
    return _unless_known([at], lambda: jsonify(view_model.days(at, year)))


@blueprint.get("/day")
@asking.settled
def day() -> Response:
    """Return the working of the day `date` of `parameter` at `address`."""
    at = asking.at(request.args.get("address", ""))
    load, when = asking.day(request.args, at)
    return _unless_known([at], lambda: jsonify(working.day(at, load, when)))


@blueprint.get("/hours")
@asking.settled
def hours() -> Response:
    """Each hour from `from` to `to` (days) of `parameter` at `address`; at most a year."""
    at = asking.at(request.args.get("address", ""))
    span = asking.span(request.args, at)
    if (span.last - span.first).days >= asking.MAX_DAYS:
        raise BadDateError(
            f"One answer holds at most {asking.MAX_DAYS} days: ask for hours.csv or hours.parquet."
        )
    return _unless_known([at], lambda: jsonify(view_model.hours(at, span)))


@blueprint.get("/hours.csv")
def hours_csv() -> Response:
    """As `hours`, of any span, as a CSV file."""
    return _file("hours", download.hours_as_csv, "csv", openapi.CSV)


@blueprint.get("/hours.parquet")
def hours_parquet() -> Response:
    """As `hours`, of any span, as a Parquet file."""
    return _file("hours", download.hours_as_parquet, "parquet", openapi.PARQUET)


@blueprint.get("/days.csv")
def days_csv() -> Response:
    """Each day of `parameter` at `address`, of any span, as a CSV file."""
    return _file("days", download.days_as_csv, "csv", openapi.CSV)


@blueprint.get("/months.csv")
def months_csv() -> Response:
    """Each month of `parameter` at `address` that `from` to `to` touches, as a CSV file."""
    return _file("months", download.months_as_csv, "csv", openapi.CSV)


@blueprint.get("/compare")
@asking.settled
def compare() -> Response:
    """Return the air of `year` at two to four places: `address`, several times."""
    year = asking.year(request.args.get("year", ""))
    addresses = asking.addresses(request.args)
    if len(addresses) < 2:
        raise BadNumberOfPlacesError(
            "Name `address` twice at least: places are compared with others."
        )
    places = [asking.at(address) for address in addresses]
    year = asking.loaded_year(places[0], year)
    return _unless_known(places, lambda: jsonify(view_model.compared(places, year)))


@blueprint.get("/openapi.json")
def description() -> Response:
    """Return the OpenAPI document."""
    response = jsonify(openapi.document(asking.this_year()))
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response


def _file(rows: str, make: Callable[..., Any], suffix: str, mimetype: str) -> Response:
    at = asking.at(request.args.get("address", ""))
    span = asking.span(request.args, at)

    def answered() -> Response:
        # What fails, fails before the file begins.
        facts = download.about(at, span, rows)
        response = Response(make(at, span, facts), mimetype=mimetype)
        name = f"airaware_{rows}_{span.pollutant.code}_{span.first}_{span.last}.{suffix}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    return _unless_known([at], answered)


def _unless_known(places: Sequence[At], make: Callable[[], Response]) -> Response:
    """Return the answer, or 304 where the client has it: of the same loads, request and code."""
    parts = (_code(), request.full_path, places[0].nearest.served.version)
    tag = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    known = request.if_none_match.contains_weak(tag)
    response = Response(status=304) if known else make()
    response.set_etag(tag, weak=True)
    return response


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a digest of the code that answers."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
