"""The pages for people."""

from datetime import date, timedelta

from flask import Blueprint, Response, render_template, request, url_for

from airaware.web import answers, asking, charts, days, months, view_model, working

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str:
    """Where an address is typed. It needs no database."""
    return render_template("home.html")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Keep crawlers from the API and the tiles; pages of addresses say noindex themselves."""
    lines = "User-agent: *\nDisallow: /api/\nDisallow: /tiles/\n"
    return Response(lines, mimetype="text/plain")


@blueprint.get("/air")
@asking.settled
def air() -> str:
    """Return the page of the air at an address in a year."""
    year = asking.year(request.args.get("year", ""))
    at = asking.at(request.args.get("address", ""))
    found = view_model.at_point(at, asking.loaded_year(at, year))
    before_dates = {each.parameter: _before_date(each) for each in found.pollutants}
    aqi = found.daily_aqi
    return render_template(
        "air.html",
        air=found,
        charts={
            each.parameter: _charts(at, each, before_dates[each.parameter])
            for each in found.pollutants
        },
        aqi_calendar=days.calendar_of_aqi(aqi) if aqi else "",
        aqi_rows=days.rows_of_aqi(aqi, before_dates) if aqi else "",
        so_far=_before_the_year_s_end(found),
        address=request.args["address"],
    )


def _before_the_year_s_end(air: answers.PointAir) -> str | None:
    """Return the oldest date of EPA's files that were made before the year was over, if any."""
    sources = (source for each in air.pollutants if not each.synthetic for source in each.sources)
    after = f"{air.year + 1}-01-01"
    return min((each.date for each in sources if each.date and each.date < after), default=None)


def _charts(
    at: asking.At, pollutant: answers.PointPollutant, before_date: str
) -> dict[str, object]:
    """Return the charts of a pollutant by name; none where it has no figures."""
    if not pollutant.summary:
        return {}
    return {
        "months": charts.months(pollutant),
        "calendar": days.calendar_of_days(pollutant),
        "days": days.rows_of_days(pollutant.days, before_date),
        "months_in_words": months.in_words(pollutant),
        "month_rows": months.rows(pollutant.months),
        "day_errors": months.day_errors(pollutant.months),
        "aqi_rows": months.rows_of_aqi(pollutant.months),
        "smoky": any(day.smoke_hours for day in pollutant.days),
        "years": charts.years(pollutant),
        "monitors": charts.monitors(at.point, pollutant.monitors),
        "worst": _week_of_the_highest(pollutant.days),
    }


def _before_date(pollutant: answers.PointPollutant) -> str:
    """Return the address of the working of a pollutant's day, up to its date."""
    address = request.args["address"]
    return f"{url_for('pages.day', address=address, parameter=pollutant.parameter)}&date="


def _week_of_the_highest(of_year: list[answers.Day]) -> date:
    """Return the first day of a week with the highest day in its middle."""
    values = [-1.0 if day.value is None else day.value for day in of_year]
    day = date.fromisoformat(of_year[values.index(max(values))].date)
    return max(day - timedelta(asking.WEEK_DAYS // 2), date(day.year, 1, 1))


@blueprint.get("/history")
@asking.settled
def history() -> str:
    """Return a week of one pollutant, hour by hour, with links to any span as a file."""
    at = asking.at(request.args.get("address", ""))
    asked = asking.span({name: request.args.get(name, "") for name in ("parameter", "from")}, at)
    found = view_model.hours(at, asked)
    years = at.years(asked.pollutant.code)
    before, after = (
        asked.first + timedelta(days) for days in (-asking.WEEK_DAYS, asking.WEEK_DAYS)
    )
    return render_template(
        "history.html",
        hours=found,
        week=[asked.first + timedelta(day) for day in range((asked.last - asked.first).days + 1)],
        week_chart=charts.hours(found),
        pollutants=at.parameters(),
        years=years,
        before=before if before.year in years else None,
        after=after if after.year in years else None,
        address=request.args["address"],
    )


@blueprint.get("/day")
@asking.settled
def day() -> str:
    """Return the working of one day of a pollutant, to recompute it from."""
    at = asking.at(request.args.get("address", ""))
    load, when = asking.day(request.args, at)
    years = at.years(load.parameter)
    before, after = when - timedelta(1), when + timedelta(1)
    return render_template(
        "day.html",
        found=working.day(at, load, when),
        when=f"{when:%B %-d, %Y}",
        before=before if before.year in years else None,
        after=after if after.year in years else None,
        address=request.args["address"],
    )


@blueprint.get("/compare")
@asking.settled
def compare() -> str:
    """Two to four places side by side; fewer get the form to add some."""
    # A field of the form may be left blank.
    addresses = [address for address in asking.addresses(request.args) if address.strip()]
    year = asking.year(request.args.get("year", ""))
    found = None
    if len(addresses) >= 2:
        places = [asking.at(address) for address in addresses]
        found = view_model.compared(places, asking.loaded_year(places[0], year))
    return render_template(
        "compare.html",
        found=found,
        charts=_charts_of_places(found.places) if found else [],
        addresses=addresses,
        most=asking.MOST_PLACES,
        year=found.year if found else year,
    )


def _charts_of_places(places: list[answers.PointAir]) -> list[charts.Chart | None]:
    """Chart each pollutant; None where no place has figures of it."""
    labels = [place.place.label for place in places]
    return [
        charts.places(each, labels) if any(one.summary for one in each) else None
        for each in zip(*(place.pollutants for place in places), strict=True)
    ]
