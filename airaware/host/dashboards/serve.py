"""Serve the page of the dashboards, rendered for each request.

python -m airaware.host.dashboards.serve --port 3000 --prometheus http://localhost:9090
"""

import argparse
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from airaware.errors import AirAwareError
from airaware.host.dashboards import page
from airaware.host.prometheus import Prometheus

# A page is several dozens of queries: whoever asks again within this time gets it again.
KEPT_SECONDS = 10
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
)


class Pages:
    """The pages, each made at most once in KEPT_SECONDS."""

    def __init__(self, prometheus: Prometheus) -> None:
        """Keep no page yet."""
        self._prometheus = prometheus
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[float, str]] = {}

    def of(self, minutes: int) -> str:
        """Return the page of the last `minutes`. Raises AirAwareError without Prometheus."""
        with self._lock:
            made, text = self._kept.get(minutes, (0.0, ""))
            if not text or time.monotonic() - made > KEPT_SECONDS:
                text = page.render(self._prometheus, minutes, served=True)
                self._kept[minutes] = (time.monotonic(), text)
            return text


class Handler(BaseHTTPRequestHandler):
    """Answers GET / with the page; ?minutes= is one of page.MINUTES."""

    pages: Pages
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the page."""
        address = urlsplit(self.path)
        minutes = parse_qs(address.query).get("minutes", ["60"])[0]
        if address.path != "/" or minutes not in map(str, page.MINUTES):
            self._answer(HTTPStatus.NOT_FOUND, "There is one page: /", "text/plain")
            return
        try:
            self._answer(HTTPStatus.OK, self.pages.of(int(minutes)), "text/html")
        except AirAwareError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n", "text/plain")

    def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log no requests."""


def server(prometheus: Prometheus, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server of the page that does not serve yet."""
    handler = type("PagesHandler", (Handler,), {"pages": Pages(prometheus)})
    return ThreadingHTTPServer((host, port), handler)


def main() -> None:
    """Serve for ever."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True, help="where to listen")
    parser.add_argument("--prometheus", required=True, help="its URL")
    given = parser.parse_args()
    server(Prometheus(given.prometheus), "", given.port).serve_forever()


if __name__ == "__main__":
    main()
