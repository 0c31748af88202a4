#!/usr/bin/env python3
"""Stands in for the site: answers /readyz, and on any other path says which host this is."""

import http.server
import os
import socket


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = "ready" if self.path == "/readyz" else f"{socket.gethostname()} {os.environ['ZONE']}"
        body = f"{text}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
