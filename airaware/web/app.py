"""The application factory, and what every answer has in common."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import is_dataclass
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider

from airaware import settings as environment
from airaware.errors import AirAwareError
from airaware.gazetteer import places
from airaware.gazetteer.places import covered_zip_codes
from airaware.settings import Settings
from airaware.store import bulk
from airaware.store.memory import Memory
from airaware.web import (
    answers,
    api,
    api_page,
    certainty,
    compression,
    cors,
    count_ranges,
    days,
    downloads,
    error_pages,
    formatting,
    front_end,
    geocode,
    logs,
    map_page,
    method,
    months,
    ops,
    pages,
    rank,
    telemetry,
    view_model,
)

# Nothing comes from another host, and nothing runs that is not in static/. A worker goes by the
# policy that its own script came with. The Referer would give the address to the next site, so
# there is none.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; worker-src 'self';"
    " connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


# How much of what loads hold a worker remembers, some 100 MB when it is full: the answers and the
# trends of cells (10 and 6 kB each), the days of monitors (45 kB), the map's coarser cells
# (1.4 MB), and some things of whole loads.
REMEMBERED = {
    **{"answers": 2048, "trends": 700, "days": 800},
    **{"parents": 16, "errors": 400, "ranks": 100, "stations": 100},
}


def create_app(settings: Settings | None = None) -> "Site":
    """Return the site for these settings, or for the environment's.

    A server may make it once and fork: database connections are made on first use. The query of a
    request holds an address, which is personal: whatever runs the application must not log it (an
    access log's format without query and referer, or no access log, as in `airaware.web.gunicorn`).
    Raises AirAwareError where no zone is set.
    """
    settings = settings or environment.read()
    app = Site(__name__)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(hours=1)
    app.config["DRAINING"] = settings.draining
    app.config["ZONE"] = settings.zone
    app.json = _Json(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(formatting.FILTERS, aqi_strip=days.strip)
    app.jinja_env.globals["uncorrected_words"] = view_model.UNCORRECTED
    app.jinja_env.globals["month_heads"] = months.HEADS
    app.jinja_env.globals["category_keys"] = days.KEYS
    app.jinja_env.globals["built"] = front_end.built
    app.jinja_env.globals["asks_census"] = bool(settings.census_url)
    reader = Memory(
        settings.own_zone_first(), REMEMBERED, telemetry.zone_changed, telemetry.UNRESOLVED.inc
    )
    app.extensions["reader"] = reader
    app.extensions["expected_errors"] = certainty.remembered(reader)
    app.extensions["ranges"] = count_ranges.remembered(reader)
    app.extensions["ranks"] = rank.Ranks(reader).ranks
    app.extensions["bulk"] = bulk.open(settings.bulk) if settings.bulk else None
    app.extensions["geocoder"] = geocode.Geocoder(settings.census_url)
    places.load()
    rank.zip_codes()
    telemetry.watch(app, [zone.name for zone in settings.zones])
    # Flask calls what was registered last first: telemetry counts the time that compressing takes.
    compression.register(app)
    error_pages.register(app)
    for part in (pages, map_page, front_end, api, api_page, downloads, method, ops):
        app.register_blueprint(part.blueprint)
    app.after_request(_secure)
    cors.register(app)
    return app


# What Flask leaves as it is: https://url.spec.whatwg.org/#percent-encoded-bytes
SAFE_IN_QUERY = "!$'()*,/:;?@"


class Site(Flask):
    """The site."""

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """Return an address as Flask does, four times as fast where its path has no variable.

        A page has 30 of them. What begins with an underscore is left to Flask.
        """
        path = self._paths.get(endpoint)
        if path is None or any(name[0] == "_" for name in values):
            return super().url_for(endpoint, **values)
        given = {name: value for name, value in values.items() if value is not None}
        return f"{path}?{urlencode(given, doseq=True, safe=SAFE_IN_QUERY)}" if given else path

    @cached_property
    def _paths(self) -> dict[str, str]:
        """By endpoint, the paths that have no variable; the site is served at the root."""
        return {
            rule.endpoint: rule.rule for rule in self.url_map.iter_rules() if not rule.arguments
        }

    def warm(self, threads: int) -> None:
        """Answer as visitors are answered, in as many threads at once; count none of it.

        Templates, tables and connections are made for the first answers, which take ten times the
        CPU of others. A worker that begins in a crowd would refuse half of it for that.
        """
        self._answer("/air?address=60614")
        # Of different places: no thread finds its answer in memory, each makes its connection.
        places = [f"/api/v1/air?address={code}" for code in islice(covered_zip_codes(), threads)]
        with ThreadPoolExecutor(threads) as several:
            list(several.map(self._answer, places))

    def _answer(self, path: str) -> None:
        # Perhaps no database answers yet, or none has a year.
        with suppress(AirAwareError), self.test_request_context(path):
            self.dispatch_request()

    def log_exception(self, exc_info: Any) -> None:
        """Log without the message, as Flask would not: it may hold an address."""
        _, error, _ = exc_info
        self.logger.error("%s failed: %s", request.endpoint, logs.described(error))


class _Json(DefaultJSONProvider):
    """JSON by a faster library: a sixth of what an answer costs was its JSON."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return self._encoded(obj).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        encoded = self._encoded(self._prepare_response_obj(args, kwargs))
        return Response(encoded + b"\n", mimetype=self.mimetype)

    def _encoded(self, obj: Any) -> bytes:
        return orjson.dumps(answers.members(obj) if is_dataclass(obj) else obj)


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    # An answer about an address must stay out of shared caches and of search engines.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if "address" in request.args:
        response.headers["X-Robots-Tag"] = "noindex"
    return response
