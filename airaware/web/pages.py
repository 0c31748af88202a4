"""The pages for people."""

from flask import Blueprint, render_template, request

from airaware.web import answer, chart

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str:
    """Where an address is typed. It needs no database."""
    return render_template("home.html")


@blueprint.get("/air")
def air() -> str:
    """The air at an address."""
    found = answer.for_request(request.args)
    charts = {
        pollutant["parameter"]: chart.monthly(pollutant["months"])
        for pollutant in found["pollutants"]
        if pollutant["summary"]
    }
    return render_template("air.html", air=found, charts=charts, address=request.args["address"])
