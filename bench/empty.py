"""The site with one more route, which answers nothing: what the server and the hooks alone cost."""

from flask import Flask, Response

from airaware import web

PATH = "/bench/empty"


def create_app() -> Flask:
    """Return the site, and the endpoint that asks no store."""
    app = web.create_app()
    app.add_url_rule(PATH, "bench_empty", lambda: Response(status=204))
    return app
