"""For balancers and monitoring."""

from pathlib import Path

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

from airaware.web import telemetry

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that the process answers, and in which zone; nothing else is asked."""
    return Response(f"ok {current_app.config['ZONE']}\n", mimetype="text/plain")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether this host can answer for addresses: any zone's database will do.

    A server that is about to stop says no, though it still answers.
    """
    draining = current_app.config["DRAINING"]
    if draining and Path(draining).exists():
        return Response("about to stop\n", status=503, mimetype="text/plain")
    if current_app.extensions["reader"].ready():
        return Response("ready\n", mimetype="text/plain")
    return Response("no zone's database answers\n", status=503, mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """All workers' metrics."""
    return Response(telemetry.exposition(), content_type=CONTENT_TYPE_LATEST)
