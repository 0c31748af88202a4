"""The OpenAPI document of the API; the schemas come from the answers' classes."""

import copy
from functools import lru_cache
from typing import Any

from airaware.science.pollutants import POLLUTANTS
from airaware.web import answers, hours_answer, json_schema, working_answer
from airaware.web.asking import FIRST_YEAR, MAX_DAYS, MOST_PLACES
from airaware.web.geocode import MAX_LENGTH

JSON = "application/json"
PROBLEM = "application/problem+json"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"

TEXT = {"type": "string"}
DAY = json_schema.schema(answers.DayText)
PROBLEM_MEMBERS = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": TEXT,
    "status": {"type": "integer"},
    "detail": TEXT,
    "choices": {"type": "array", "items": TEXT},
    "years": {"type": "array", "items": {"type": "integer"}},
}
SCHEMAS = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457; some kinds add `choices` (addresses) or `years`.",
        "properties": PROBLEM_MEMBERS,
        "required": ["type", "title", "status", "detail"],
    },
    **json_schema.components(
        answers.GridAir,
        answers.PointAir,
        answers.Days,
        working_answer.Working,
        hours_answer.Hours,
        answers.Compared,
    ),
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
    "schema": {
        "type": "array",
        "items": ADDRESS["schema"],
        "minItems": 2,
        "maxItems": MOST_PLACES,
    },
    "description": "Repeated, once for each place.",
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
PARAMETER = _argument(
    "parameter",
    {"enum": sorted(POLLUTANTS)},
    "EPA's code; ozone if not given.",
    example=44201,
)
DATE = _argument(
    "date", DAY, "The day; July 1 of the latest year if it is not given.", example="2017-07-04"
)
SPAN = [
    ADDRESS,
    PARAMETER,
    _argument("from", DAY, "The first day; July 1 of the latest year if it is not given.",
              example="2017-07-01"),
    _argument("to", DAY, "The last day; six days later if it is not given.",
              example="2017-07-07"),
]  # fmt: skip


def _get(
    summary: str, arguments: list[dict[str, Any]], content: dict[str, Any], identifier: str
) -> dict[str, Any]:
    def problem(description: str) -> dict[str, Any]:
        return {
            "description": description,
            "content": {PROBLEM: {"schema": json_schema.ref("Problem")}},
        }

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
                "429": problem("One address asks too often; Retry-After says when to ask again."),
                "503": problem(
                    "No zone's database answers, or more people ask than can be answered;"
                    " Retry-After says when to ask again."
                ),
            },
        }
    }


def _json(*types: type) -> dict[str, Any]:
    """Describe an answer that is JSON of one of these types."""
    one_of = [json_schema.schema(each) for each in types]
    return {JSON: {"schema": one_of[0] if len(types) == 1 else {"oneOf": one_of}}}


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
                " exact place, with days, monitors, the years before, and its rank.",
                example="point",
            ),
        ],
        _json(answers.GridAir, answers.PointAir),
        "air",
    ),
    "/days": _get("Each day of a year", [ADDRESS, YEAR], _json(answers.Days), "days"),
    "/day": _get(
        "The working of one day: monitors, distances, weights, values, rule and files",
        [ADDRESS, PARAMETER, DATE],
        _json(working_answer.Working),
        "day",
    ),
    "/hours": _get(
        f"Each hour of at most {MAX_DAYS} days of one pollutant",
        SPAN,
        _json(hours_answer.Hours),
        "hours",
    ),
    "/hours.csv": _get("Hours of any span as CSV", SPAN, {CSV: {"schema": TEXT}}, "hoursCsv"),
    "/hours.parquet": _get(
        "Hours of any span as Parquet",
        SPAN,
        {PARQUET: {"schema": {"type": "string", "format": "binary"}}},
        "hoursParquet",
    ),
    "/days.csv": _get("Days of any span as CSV", SPAN, {CSV: {"schema": TEXT}}, "daysCsv"),
    "/months.csv": _get("Months of any span as CSV", SPAN, {CSV: {"schema": TEXT}}, "monthsCsv"),
    "/compare": _get(
        "Two to four places side by side", [ADDRESSES, YEAR], _json(answers.Compared), "compare"
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


def arguments(path: str) -> dict[str, dict[str, Any]]:
    """Return the arguments that a path of the API takes, by name, as the document has them."""
    if path not in PATHS:
        return {}
    return {each["name"]: each for each in PATHS[path]["get"]["parameters"]}
