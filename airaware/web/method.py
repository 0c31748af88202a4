"""The page of the method: how figures are made, with a version to cite."""

from flask import Blueprint, render_template

from airaware.raw.verdicts import FIRES
from airaware.science import grid
from airaware.science.accuracy import ENOUGH, FROM_MILES
from airaware.science.pollutants import AQI_EDITION, POLLUTANTS
from airaware.science.ranges import NEEDED_STATIONS
from airaware.web import view_model, working

# Raise both whenever the page's words change: people cite them. tests/web/test_method.py fails
# where the words change and the version does not.
VERSION, DATED = 5, "2026-11-30"

blueprint = Blueprint("method", __name__)


@blueprint.get("/method")
def page() -> str:
    """Return the method's page. It needs no database."""
    return render_template(
        "method.html",
        version=VERSION,
        dated=DATED,
        pollutants=POLLUTANTS.values(),
        day_rule=working.day_rule,
        interpolation=working.INTERPOLATION,
        hours=view_model.METHOD,
        cells=len(grid.load()),
        resolution=grid.RESOLUTION,
        from_miles=FROM_MILES,
        enough=ENOUGH,
        needed_stations=NEEDED_STATIONS,
        aqi_edition=AQI_EDITION,
        fires=FIRES,
    )
