"""Errors as a visitor sees them: a page, or a problem document (RFC 9457) for programs.

Programs are what asks under /api/ and /tiles/.

`kinds` lists them; each has a page of its own (`airaware.web.api_page`).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, render_template, request, url_for
from werkzeug.exceptions import HTTPException, NotFound

from airaware.store.zones import FullError, NoZoneError, TooSlowError
from airaware.web.asking import MOST_PLACES
from airaware.web.errors import VisitorError

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its HTTP status, and what it means in plain words."""

    name: str
    status: int
    title: str
    meaning: str


UNAVAILABLE = Kind(
    "unavailable",
    503,
    "The data cannot be reached right now",
    "No zone's database answers in time. Ask again after as many seconds as Retry-After says.",
)

# What a web host's proxy says (modules/profile/templates/web-proxy.cfg.epp).
BY_PROXY = (
    Kind(
        "busy",
        503,
        "Busy",
        "More people ask than can be answered right now. Ask again after as many seconds as"
        " Retry-After says.",
    ),
    Kind(
        "too-many-requests",
        429,
        "Too many requests",
        "One address has asked for more within a few seconds than any visitor needs. Ask again"
        " after as many seconds as Retry-After says, and less often.",
    ),
)


def kinds() -> list[Kind]:
    """Return all kinds of problems, by status and name."""
    found = [
        Kind(each.kind, each.status, each.title, each.meaning)
        for each in _descendants(VisitorError)
        if "kind" in vars(each)
    ]
    return sorted([*found, UNAVAILABLE, *BY_PROXY], key=lambda kind: (kind.status, kind.name))


def _descendants(parent: type[VisitorError]) -> Iterator[type[VisitorError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _descendants(child)


def register(app: Flask) -> None:
    """Have the application answer errors this way."""

    @app.errorhandler(VisitorError)
    def visitor_error(error: VisitorError) -> Response:
        return _answer(error.status, error.kind, error.title, str(error), error.extra())

    @app.errorhandler(NoZoneError)
    def no_zone(_error: NoZoneError) -> Response:
        return _unavailable("The site runs, but a database that it needs does not answer.")

    @app.errorhandler(TooSlowError)
    def too_slow(_error: TooSlowError) -> Response:
        return _unavailable("Its databases took too long over this.")

    @app.errorhandler(FullError)
    def full(_error: FullError) -> Response:
        return _unavailable("Its databases serve as many others as they can.")

    @app.errorhandler(NotFound)
    def not_found(_error: NotFound) -> Response:
        return _answer(
            404,
            None,
            "There is no such page",
            "Look a place up here, or see the map of the whole country.",
            {},
        )

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = _answer(error.code or 500, None, error.name, error.description or "", {})
        for name, value in error.get_headers():
            if name != "Content-Type":
                response.headers[name] = value
        return response


# Pages that an error's choices lead back to; all others lead to the address's page.
PAGES = ("pages.air", "pages.history", "pages.day", "pages.compare")
# Those that ask for a day, by the argument that names it.
DAY_OF_PAGE = {"pages.history": "from", "pages.day": "date"}
# Errors of an argument other than the address: the form begins anew without these.
MISTAKEN = ("bad-year", "bad-date", "bad-parameter", "year-not-loaded")
# What they know; whatever else stands in a request does not come back in a link.
ARGUMENTS = ("address", "parameter", "date", "from", "to", "year")


def _page() -> str:
    """Return the page whose form was sent; the address's page where it was none."""
    return str(request.endpoint) if request.endpoint in PAGES else "pages.air"


def _again(choice: str | None = None, year: int | None = None) -> str:
    """Return the link to the page asked for, with another choice of the address or another year."""
    endpoint = _page()
    arguments: dict[str, Any] = {
        name: request.args.getlist(name) for name in ARGUMENTS if name in request.args
    }
    asked = g.get("address")
    if choice is not None:
        named = arguments.get("address", [])
        arguments["address"] = [choice if each == asked else each for each in named]
    if year is not None and endpoint in DAY_OF_PAGE:
        arguments.pop("to", None)
        arguments[DAY_OF_PAGE[endpoint]] = [f"{year}-07-01"]
    elif year is not None:
        arguments["year"] = [str(year)]
    return url_for(endpoint, **arguments)


def _unavailable(why: str) -> Response:
    detail = f"{why} Please try again in a moment."
    response = _answer(UNAVAILABLE.status, UNAVAILABLE.name, UNAVAILABLE.title, detail, {})
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _answer(
    status: int, kind: str | None, title: str, detail: str, extra: dict[str, object]
) -> Response:
    if not request.path.startswith(("/api/", "/tiles/")):
        page = render_template(
            "error.html",
            title=title,
            detail=detail,
            status=status,
            again=_again,
            page=_page(),
            typed=request.args.getlist("address"),
            kept={
                name: request.args[name]
                for name in ARGUMENTS
                if name != "address" and name in request.args
            }
            # A year or day that is none would only fail again.
            if kind not in MISTAKEN
            else {},
            most=MOST_PLACES,
            **extra,
        )
        return Response(page, status=status)
    # A type is the path of its own page, made absolute by the document's address.
    problem = {"type": f"/problems/{kind}" if kind else "about:blank", "title": title}
    return Response(
        json.dumps(problem | {"status": status, "detail": detail} | extra, ensure_ascii=False),
        status=status,
        mimetype="application/problem+json",
    )
