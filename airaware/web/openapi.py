"""The OpenAPI document of the API, as the site serves it."""

import copy
from functools import lru_cache
from typing import Any

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.science.pollutants import POLLUTANTS
from airaware.web.asking import FIRST_YEAR, MAX_DAYS, MOST_PLACES
from airaware.web.geocode import MAX_LENGTH

JSON = "application/json"
PROBLEM = "application/problem+json"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"


def _object(**properties: Any) -> dict[str, Any]:
    """An object with these properties, all required; a trailing _ makes a keyword a name."""
    named = {name.rstrip("_"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": list(named)}


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items} | more


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
YES_OR_NO = {"type": "boolean"}
MAYBE = {"type": ["number", "null"]}
DAY = {"type": "string", "format": "date"}
AQI_DAYS = _or_null(_object(**dict.fromkeys(AQI_CATEGORIES, COUNT)))

POLLUTANT = {
    "parameter": {"type": "integer", "description": "EPA's code", "enum": sorted(POLLUTANTS)},
    "name": TEXT,
    "label": TEXT,
    "note": TEXT,
    "unit": {"type": "string", "description": "of all concentrations"},
    "synthetic": {"type": "boolean", "description": "made up by a program: not the real air"},
    "loaded_at": {"type": "string", "format": "date-time"},
    "daily_metric": TEXT,
    "standard": _object(level=NUMBER, edition=TEXT, text=TEXT),
    "aqi_edition": {"type": ["string", "null"]},
}
UNCORRECTED = _list(
    _object(site=TEXT, year={"type": "integer"}, hours=COUNT),
    description="monitors used that are Teledyne T640s, and how many of their hours EPA has not"
    " corrected: these tend to be too high",
)
OF_LOAD = POLLUTANT | {
    "incomplete_days": _list(
        DAY, description="their 8-hour means reach into a year that is not there"
    ),
    "uncorrected_monitors": UNCORRECTED,
}
FIGURES = {"summary": _or_null(_ref("Summary")), "months": _list(_ref("Month"), maxItems=12)}
AIR = {
    "place": _ref("Place"),
    "cell": _object(id=TEXT, latitude=NUMBER, longitude=NUMBER, distance_km=NUMBER),
    "figures": {"enum": ["grid", "point"]},
    "year": {"type": "integer"},
    "years": _list({"type": "integer"}),
    "synthetic": YES_OR_NO,
}
POINT = {
    "sentence": {"type": "string", "description": "the year in plain words"},
    **OF_LOAD,
    **FIGURES,
    "zip_codes": _or_null(_object(more_days=COUNT, as_many_days=COUNT, fewer_days=COUNT)),
    "days": _list(_ref("Day")),
    "years": _list(_ref("Year")),
    "monitors": _list(_ref("Monitor")),
}
SCHEMAS = {
    "Problem": _object(
        type={"type": "string", "format": "uri-reference"},
        title=TEXT,
        status={"type": "integer"},
        detail=TEXT,
        choices=_list(TEXT),
        years=_list({"type": "integer"}),
    )
    | {
        "description": "RFC 9457; some kinds add `choices` (addresses) or `years`.",
        "required": ["type", "title", "status", "detail"],
    },
    "Place": _object(
        label=TEXT,
        latitude=NUMBER,
        longitude=NUMBER,
        method={"enum": ["coordinates", "census", "zip", "city"]},
        precision_km=NUMBER,
        precision=TEXT,
        note=TEXT,
    ),
    "Month": _object(
        month={"type": "integer", "minimum": 1, "maximum": 12},
        hourly_mean=MAYBE,
        hours=COUNT,
        daily=_object(
            mean=MAYBE,
            median=MAYBE,
            p95=MAYBE,
            max=MAYBE,
            days=COUNT,
            days_above_standard=COUNT,
            aqi_days=AQI_DAYS,
        ),
        stations=COUNT,
        nearest_km=MAYBE,
        estimate={"type": "boolean", "description": "from monitors beyond 30 miles"},
        expected_error=_object(hourly_mean=MAYBE, hour=MAYBE, day=MAYBE),
    ),
    "Summary": _object(
        hourly_mean=NUMBER,
        hours=COUNT,
        daily_mean=MAYBE,
        days=COUNT,
        days_above_standard=COUNT,
        aqi_days=AQI_DAYS,
        nearest_km=NUMBER,
        months_estimated=COUNT,
        expected_error=_object(hourly_mean=MAYBE, day=MAYBE),
    ),
    "Day": _object(
        date=DAY,
        value=MAYBE,
        above_standard=YES_OR_NO,
        aqi={"type": ["integer", "null"]},
        category={"enum": [*AQI_CATEGORIES, None]},
        nearest_km=MAYBE,
        expected_error=MAYBE,
    ),
    "Year": _object(
        year={"type": "integer"},
        synthetic=YES_OR_NO,
        months=COUNT,
        hourly_mean=NUMBER,
        daily_mean=MAYBE,
        days=COUNT,
        days_above_standard=COUNT,
        nearest_km=NUMBER,
        expected_error=_object(hourly_mean=MAYBE, day=MAYBE),
    ),
    "Monitor": _object(
        site=TEXT, latitude=NUMBER, longitude=NUMBER, distance_km=NUMBER, months=COUNT
    ),
    "GridAir": _object(
        **AIR | {"figures": {"const": "grid"}}, pollutants=_list(_object(**OF_LOAD, **FIGURES))
    ),
    "PointAir": _object(
        **AIR | {"figures": {"const": "point"}}, pollutants=_list(_object(**POINT))
    ),
    "Days": _object(**AIR, pollutants=_list(_object(**OF_LOAD, days=_list(_ref("Day"))))),
    "Hours": _object(
        place=_ref("Place"),
        **POLLUTANT,
        uncorrected_monitors=UNCORRECTED,
        method=TEXT,
        from_=DAY,
        to=DAY,
        utc_offset={
            "type": "string",
            "pattern": "^[+-][0-9]{2}:00$",
            "description": "of the hours: the place's standard time, which holds all year",
        },
        first_hour=TEXT,
        values=_list(MAYBE, description="one an hour, from the first hour on"),
        months=_list(_ref("MonthOfHours"), description="what the values rest on"),
    ),
    "MonthOfHours": _object(
        month={"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
        hours={"type": "integer", "minimum": 24, "description": "how many of the values"},
        nearest_km=MAYBE,
        estimate={"type": "boolean", "description": "from monitors beyond 30 miles"},
        expected_error=_object(hour=MAYBE),
    ),
    "Compared": _object(year={"type": "integer"}, places=_list(_ref("PointAir"))),
}


def _argument(name: str, schema: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description} | more


ADDRESS = _argument(
    "address",
    {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    'A street address, ZIP code, "city, state", or "latitude, longitude".',
    required=True,
    examples={"zip": {"value": "60614"}, "city": {"value": "Houston, TX"},
              "point": {"value": "40.7484, -73.9857"}},
)  # fmt: skip
ADDRESSES = ADDRESS | {
    "schema": _list(ADDRESS["schema"], minItems=2, maxItems=MOST_PLACES),
    "description": "Named once for each place.",
    "style": "form",
    "explode": True,
    "examples": {"two": {"value": ["60614", "Houston, TX"]}},
}
YEAR = _argument(
    "year",
    # `document` adds the last year, which changes while a server runs.
    {"type": "integer", "minimum": FIRST_YEAR},
    "The latest year that is loaded if it is not given.",
    example=2017,
)
SPAN = [
    ADDRESS,
    _argument("parameter", {"enum": sorted(POLLUTANTS)}, "EPA's code; ozone if not given.",
              example=44201),
    _argument("from", DAY, "The first day; July 1 of the latest year if it is not given.",
              example="2017-07-01"),
    _argument("to", DAY, "The last day; six days later if it is not given.",
              example="2017-07-07"),
]  # fmt: skip


def _get(
    summary: str, arguments: list[dict[str, Any]], content: dict[str, Any], identifier: str
) -> dict[str, Any]:
    def problem(description: str) -> dict[str, Any]:
        return {"description": description, "content": {PROBLEM: {"schema": _ref("Problem")}}}

    tag = {"ETag": {"schema": TEXT, "description": "Of the loads, the request and the code."}}
    return {
        "get": {
            "operationId": identifier,
            "summary": summary,
            "parameters": arguments,
            "responses": {
                "200": {"description": "The answer.", "headers": tag, "content": content},
                "304": {"description": "If-None-Match names the answer."},
                "400": problem("An argument is out of its range."),
                "404": problem(
                    "No such place (`choices`: what is spelled nearly so), or no data for the year"
                    " (`years` says which)."
                ),
                "409": problem(
                    "The address does not name one place: ask again with one of `choices`."
                ),
                "422": problem(
                    "The place lies outside the 50 states, DC and Puerto Rico (`choices`: places of"
                    " its name inside)."
                ),
                "503": problem("No zone's database answers; Retry-After says when to ask again."),
            },
        }
    }


def _json(schema: str | dict[str, Any]) -> dict[str, Any]:
    return {JSON: {"schema": _ref(schema) if isinstance(schema, str) else schema}}


PATHS: dict[str, Any] = {
    "/air": _get(
        "The air of a year, month by month",
        [
            ADDRESS,
            YEAR,
            _argument(
                "figures",
                {"enum": ["grid", "point"]},
                "grid: of the nearest grid point, at most 4 km off, and quick. point: of the"
                " very place, with days, monitors, the years before, and its rank.",
                example="point",
            ),
        ],
        _json({"oneOf": [_ref("GridAir"), _ref("PointAir")]}),
        "air",
    ),
    "/days": _get("Each day of a year", [ADDRESS, YEAR], _json("Days"), "days"),
    "/hours": _get(
        f"Each hour of at most {MAX_DAYS} days of one pollutant", SPAN, _json("Hours"), "hours"
    ),
    "/hours.csv": _get("Hours of any span as CSV", SPAN, {CSV: {"schema": TEXT}}, "hoursCsv"),
    "/hours.parquet": _get(
        "Hours of any span as Parquet",
        SPAN,
        {PARQUET: {"schema": {}}},
        "hoursParquet",
    ),
    "/days.csv": _get("Days of any span as CSV", SPAN, {CSV: {"schema": TEXT}}, "daysCsv"),
    "/months.csv": _get("Months of any span as CSV", SPAN, {CSV: {"schema": TEXT}}, "monthsCsv"),
    "/compare": _get(
        "Two to four places side by side", [ADDRESSES, YEAR], _json("Compared"), "compare"
    ),
}


@lru_cache(maxsize=1)
def document(last_year: int) -> dict[str, Any]:
    """Return the OpenAPI document of a site that may be asked for years up to `last_year`."""
    paths = copy.deepcopy(PATHS)
    for path in paths.values():
        for argument in path["get"]["parameters"]:
            if argument["name"] == YEAR["name"]:
                argument["schema"]["maximum"] = last_year
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AirAware",
            "version": "1",
            "description": "What the air has been like at any US address since 1980, from EPA's"
            " hourly measurements. Distances are in km. Addresses are not kept.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def arguments(path: str) -> list[str]:
    """Return the names of the arguments that a path of the API takes."""
    return [each["name"] for each in PATHS[path]["get"]["parameters"]] if path in PATHS else []
