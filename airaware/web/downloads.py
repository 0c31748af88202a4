"""The years in bulk: the page that lists their files, and the files themselves."""

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Response, abort, current_app, render_template, request

from airaware.errors import AirAwareError
from airaware.science import pollutants
from airaware.store import bulk
from airaware.store.bulk import BulkFile
from airaware.store.bulk_columns import COLUMNS, ROWS
from airaware.store.queries import Load
from airaware.web import openapi

blueprint = Blueprint("downloads", __name__)

MIMETYPES = {bulk.CSV: openapi.CSV, bulk.PARQUET: openapi.PARQUET}
Found = TypeVar("Found")


@blueprint.get("/downloads")
def page() -> str:
    """Return the list of the files of what is served, by pollutant and year, the newest first."""
    store, loads = current_app.extensions["bulk"], _loads()
    found = _asked(store.files) if store else []
    files: dict[int, list[tuple[Load, BulkFile]]] = {}
    for file in sorted(found, key=lambda file: (file.parameter, -file.year, file.name)):
        if load := loads.get((file.parameter, file.year, file.checksum)):
            files.setdefault(file.parameter, []).append((load, file))
    return render_template(
        "downloads.html",
        files={pollutants.get(code): listed for code, listed in files.items()},
        columns=COLUMNS,
        rows=ROWS,
    )


@blueprint.get("/downloads/<edition>/<sha256>/<name>")
def file(edition: str, sha256: str, name: str) -> Response:
    """Return a file of a load that is served; of any other, 404."""
    store, found = current_app.extensions["bulk"], bulk.parsed(f"{edition}/{sha256}/{name}")
    if not store or not found or (found.parameter, found.year, found.checksum) not in _loads():
        abort(404)
    content = _asked(lambda: store.read(found))
    if content is None:
        abort(404)
    response = Response(content, mimetype=MIMETYPES[found.suffix])
    response.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response.headers["Cache-Control"] = "public, no-cache"
    response.set_etag(found.sha256, weak=True)
    response.make_conditional(request)
    return response


def _loads() -> dict[tuple[int, int, str], Load]:
    """Return what is served, by parameter, year and checksum. Raises NoZoneError."""
    loads = current_app.extensions["reader"].served().loads
    return {(load.parameter, load.year, load.checksum): load for load in loads}


def _asked(ask: Callable[[], Found]) -> Found:
    """Return what the store answers; where it does not, abort with 503."""
    try:
        return ask()
    except AirAwareError as error:
        current_app.logger.error("%s", error)
        abort(503, "The files cannot be reached right now. Please try again in a moment.")
