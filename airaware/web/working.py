"""The working of one day's figure at a place: what it rests on, to recompute it from."""

from datetime import date

import numpy as np

from airaware.science import metrics, point, pollutants
from airaware.science.pollutant import AQI_CATEGORIES, Breakpoints, EightHourRule, Pollutant
from airaware.store import nearby, queries
from airaware.store.queries import Load
from airaware.web import point_year, view_model, working_answer
from airaware.web.asking import At
from airaware.web.summary_sentence import working_sentence

INTERPOLATION = (
    "The mean of the monitors' own days, each weighted by 1/distance² (km), over all monitors"
    " within 30 miles that reported in the month; where there is none, over the nearest five within"
    " 100 miles. A monitor without a day of its own does not count on that day."
)


def day(at: At, load: Load, when: date) -> working_answer.Working:
    """Return what the figure of a day of a load at a place rests on.

    Raises NoZoneError where no database answers.
    """
    pollutant = pollutants.get(load.parameter)
    found = view_model.days_of(at, load)[when.timetuple().tm_yday - 1]
    monitors = _monitors(point_year.measured(at, load, [when.month]), when)
    (source,) = queries.sources(at.reader, load.parameter, [load.year])
    return working_answer.Working(
        **vars(view_model.described(load)),
        place=view_model.place_of(at),
        sentence=working_sentence(pollutant, found, monitors),
        day=found,
        monitors=monitors,
        rule=_rule(pollutant),
        digests=[working_answer.FileDigest(source.input_name, source.input_sha256)],
        neighbouring_hours=[
            working_answer.NeighbouringHours(int(year), sha256)
            for year, sha256 in sorted(source.edges.items())
        ],
        stages=source.code_version,
    )


def _monitors(found: nearby.Air, when: date) -> list[working_answer.MonitorDay]:
    """Return the monitors of the day's month, the nearest first, each with its own day."""
    month = found.months.get(when.month)
    if month is None:
        return []
    stations = found.stations
    weights = point.weights(stations.distance_km[month.used])
    values = month.station_days[:, when.day - 1]
    total = weights[np.isfinite(values)].sum()
    rows = zip(month.used.tolist(), weights.tolist(), values.tolist(), strict=True)
    return sorted(
        (
            working_answer.MonitorDay(
                site=stations.sites[number],
                latitude=float(stations.latitude[number]),
                longitude=float(stations.longitude[number]),
                distance_km=float(stations.distance_km[number]),
                weight=weight,
                value=value if np.isfinite(value) else None,
                share=float(weight / total) if np.isfinite(value) else None,
            )
            for number, weight, value in rows
        ),
        key=lambda monitor: monitor.distance_km,
    )


def _rule(pollutant: Pollutant) -> working_answer.Rule:
    return working_answer.Rule(
        day=day_rule(pollutant),
        interpolation=INTERPOLATION,
        file_unit=pollutant.unit,
        display_factor=pollutant.display_factor,
        decimals=pollutant.daily_decimals,
        above_from=pollutant.standard.above_from,
        aqi=_table(pollutant.aqi) if pollutant.aqi else None,
    )


def day_rule(pollutant: Pollutant) -> str:
    """Say how a monitor's day is made of its hours (`airaware.science.metrics`)."""
    step = f"{10.0**-pollutant.daily_decimals:g} {pollutant.unit}"
    needed = f"It needs {metrics.NEEDED_DAY_HOURS} of its {metrics.DAY_HOURS} hours"
    made = {
        "max_8h": _eight_hours(pollutant.eight_hours) if pollutant.eight_hours else "",
        "mean_24h": f"The mean of its hours. {needed}"
        + (
            ", or a mean above the standard with zeros for those missing"
            if pollutant.zeros_for_missing
            else ""
        ),
        "max_1h": f"Its highest hour. {needed}, or one above the standard",
    }[pollutant.daily]
    return (
        f"{made}. Means are truncated to {step}. A day runs from midnight to midnight of the"
        " monitor's local standard time; instruments at one site are averaged hour by hour first."
    )


def _eight_hours(rule: EightHourRule) -> str:
    first, last = rule.begin_hours[0], rule.begin_hours[-1]
    before = " of the day before" if first < 0 else ""
    return (
        f"The highest of its 8-hour means that begin from {first % 24:02}:00{before} to"
        f" {last:02}:00. A mean needs {metrics.NEEDED_WINDOW_HOURS} of its"
        f" {metrics.WINDOW_HOURS} hours; the day needs {rule.needed_means} of its"
        f" {len(rule.begin_hours)} means, or one above the standard"
    )


def _table(breakpoints: Breakpoints) -> working_answer.AqiTable:
    return working_answer.AqiTable(
        breakpoints.edition,
        breakpoints.decimals,
        [
            working_answer.AqiRow(category, *row)
            for category, row in zip(AQI_CATEGORIES, breakpoints.rows, strict=False)
        ],
    )
