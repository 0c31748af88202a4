"""The front end that `make setup` bundled."""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, url_for

from airaware.web import compression

blueprint = Blueprint("front_end", __name__)

BUILD = Path(__file__).parent / "static" / "build"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


@lru_cache(maxsize=1)
def current_version() -> str:
    """Return a digest of the whole front end."""
    files = sorted(path for path in BUILD.glob("*") if path.suffix != ".gz")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def built(name: str) -> str:
    """Return the address of one of its files, which changes with the content."""
    return url_for("front_end.file", version=current_version(), name=name)


@blueprint.get("/built/<version>/<name>")
def file(version: str, name: str) -> Response:
    """Return a file of it, to be kept for good where the address names the current version."""
    response = compression.send_built(BUILD, name)
    response.headers["Cache-Control"] = FOREVER if version == current_version() else ASK_AGAIN
    return response
