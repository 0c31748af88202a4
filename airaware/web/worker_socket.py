"""Each worker's own health check: a Unix socket, named by the worker's process id.

A thread that serves nobody else answers it, so that visitors who fill the worker's other threads
do not delay it. The host's watchdog asks there (`airaware.host.watchdog`).
"""

import socketserver
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any


class _Health(BaseHTTPRequestHandler):
    timeout = 5  # for a client that connects and asks nothing

    def do_GET(self) -> None:
        """Answer /healthz."""
        if self.path != "/healthz":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_: Any) -> None:
        """Log nothing: it is asked every second."""


class _Server(socketserver.UnixStreamServer):
    request_queue_size = 32

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that has left before its answer."""


def path(folder: Path, pid: int) -> Path:
    """Return the socket of a worker."""
    return folder / f"{pid}.sock"


def serve(folder: Path, pid: int) -> None:
    """Answer on the worker's socket from now on, from a thread of its own."""
    socket = path(folder, pid)
    socket.unlink(missing_ok=True)
    server = _Server(str(socket), _Health)
    Thread(target=server.serve_forever, name="health", daemon=True).start()
