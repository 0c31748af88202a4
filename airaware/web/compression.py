"""Compress what the site sends, each answer in the best coding that the client accepts.

Answers are compressed as they are sent, the bundled front end when it was built. Their entity tags
are weak: they name the content, whatever its coding (RFC 9110, 8.8.1).
"""

from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, request, send_from_directory
from flask_compress import Compress

# The quickest of those with about the same size first.
ALGORITHMS = ("zstd", "br", "gzip")
IDENTITY = "identity"
# Parquet has compressed columns.
MIMETYPES = (
    "application/json",
    "application/octet-stream",
    "application/vnd.mapbox-vector-tile",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/plain",
)


def register(app: Flask) -> None:
    """Compress the application's answers after whatever is registered later has seen them."""
    app.config["COMPRESS_ALGORITHM"] = app.config["COMPRESS_ALGORITHM_STREAMING"] = ALGORITHMS
    app.config["COMPRESS_MIMETYPES"] = MIMETYPES
    # A page is 1% larger than at the library's level, for three quarters of its time.
    app.config["COMPRESS_ZSTD_LEVEL"] = 1
    app.config["COMPRESS_STREAMING_ENDPOINT_CONDITIONAL"] = ("static", "front_end.file")
    app.config["COMPRESS_REGISTER"] = False
    library = Compress(app)

    @app.after_request
    def compress(response: Response) -> Response:
        # The library accepts what a client refuses with q=0, and compresses parts of files, whose
        # ranges are those of the whole file as it is.
        accepted = request.accept_encodings.best_match((*ALGORITHMS, IDENTITY), IDENTITY)
        coding = IDENTITY if response.status_code == HTTPStatus.PARTIAL_CONTENT else accepted
        request.environ["HTTP_ACCEPT_ENCODING"] = coding
        return library.after_request(response)


def send_built(folder: Path, name: str) -> Response:
    """Return a file, as the `.gz` beside it where the client accepts that. Raises NotFound."""
    response = send_from_directory(folder, name)
    if request.accept_encodings.quality("gzip") > 0 and (folder / f"{name}.gz").is_file():
        response = send_from_directory(folder, f"{name}.gz", mimetype=response.mimetype)
        response.headers["Content-Encoding"] = "gzip"
    return response
