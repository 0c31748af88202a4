"""Let pages of other sites read the API's answers (CORS, https://fetch.spec.whatwg.org/).

The API is public and knows no cookies, so any origin may read it: answers, errors, and the
preflight that a browser sends before a request with headers of its own.
"""

from flask import Flask, Response, request

PREFIX = "/api/"
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Disposition, ETag, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",  # a day, which browsers shorten as they like
}


def register(app: Flask) -> None:
    """Have the application answer this way under PREFIX."""

    @app.before_request
    def preflight() -> Response | None:
        if request.method != "OPTIONS" or not request.path.startswith(PREFIX):
            return None
        response = Response(status=204, headers=PREFLIGHT_HEADERS)
        del response.headers["Content-Type"]  # of nothing: else it would be compressed
        return response

    @app.after_request
    def share(response: Response) -> Response:
        if request.path.startswith(PREFIX):
            response.headers.update(HEADERS)
        return response
