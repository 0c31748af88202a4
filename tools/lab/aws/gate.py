"""The gate in front of moto: what AWS refuses is refused, and what moto lacks fails at once.

An action that moto lacks is named. Without the gate, moto answers such a request with a 500, which
clients retry for minutes.
"""

import functools
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from xml.sax.saxutils import escape

from moto.backend_index import backend_url_patterns
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from tools.lab.aws import calls, limits, shapes
from tools.lab.aws.access.enforcement import Access
from tools.lab.aws.calls import Call, RefusalError

# Answers of services that speak XML, by their protocol.
XML = {
    "ec2": "<Response><Errors><Error>{}</Error></Errors><RequestID>lab</RequestID></Response>",
    "query": "<ErrorResponse><Error><Type>Sender</Type>{}</Error><RequestId>lab</RequestId>"
    "</ErrorResponse>",
    "s3": "<Error>{}<RequestId>lab</RequestId></Error>",
}

# How Flask's own page begins, where moto has no path for an action.
NO_SUCH_PATH = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>"

log = logging.getLogger(__name__)

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Gate:
    """A WSGI application that has moto answer what it can, and refuses the rest."""

    def __init__(self, moto: Application, access: Access | None = None) -> None:
        """Stand in front of moto's own application; `access` enforces IAM."""
        self._moto, self._access = moto, access
        self._logged: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        try:
            call = calls.read(environ)
            shapes.check(call)
            if self._access:
                self._access.check(call, environ)
            limits.check(call)
            answer = self._answer(call, environ)
        except RefusalError as refusal:
            self._log(str(refusal))
            answer = _refuse(refusal, environ)
        return answer(environ, start_response)

    def _log(self, refusal: str) -> None:
        """Log a refusal, once: hosts ask again and again."""
        if refusal not in self._logged:
            self._logged.add(refusal)
            log.warning("refused: %s", refusal)

    def _answer(self, call: Call, environ: dict[str, Any]) -> Response:
        """Return moto's answer.

        Raises:
            RefusalError: moto lacks the action, or what the request asks of it.
        """
        action = f"{call.service} {call.action}"
        if not _has_backend(*calls.scope(environ)):
            raise calls.unknown(action)
        try:
            content, status, headers = run_wsgi_app(self._moto, environ)
        except NotImplementedError as error:
            raise calls.unknown(f"{action} ({error})") from error
        if status.startswith("404"):
            content = [b"".join(content)]
            if content[0].startswith(NO_SUCH_PATH):
                raise calls.unknown(action)
        return Response(content, status, headers, direct_passthrough=True)


def _refuse(refusal: RefusalError, environ: dict[str, Any]) -> Response:
    """Return a refusal in the service's own format, with a status that no client retries."""
    upload = Request(environ).stream
    with suppress(ClientDisconnected):  # moto may have read it already
        while upload.read(1 << 16):  # a client that cannot send all of it reads no answer
            pass
    protocol = calls.protocol(environ)
    if protocol in ("json", "rest-json"):
        body = json.dumps({"__type": refusal.code, "message": refusal.message})
        headers = {"X-Amzn-ErrorType": refusal.code, "Content-Type": "application/json"}
        return Response(body, refusal.status, headers)
    form = "s3" if calls.scope(environ)[0] == "s3" else protocol
    message = "".join(each if each.isprintable() else "?" for each in refusal.message)
    error = f"<Code>{refusal.code}</Code><Message>{escape(message)}</Message>"
    body = XML.get(form, XML["query"]).format(error)
    return Response(body, refusal.status, mimetype="text/xml")


@functools.cache
def _has_backend(service: str, region: str) -> bool:
    """Return whether moto has the service that signs by this name."""
    hosts = (f"http://{service}.{region}.amazonaws.com", f"http://{service}.amazonaws.com")
    return any(pattern.match(host) for _, pattern in backend_url_patterns for host in hosts)
