#!/usr/bin/env python3
"""Recompute a day's figure at a place from AirAware's own working of it.

    python3 recompute_day.py 'https://HOST/api/v1/day?address=60614&parameter=44201&date=2013-07-04'
    python3 recompute_day.py day.json

Reads the JSON of /api/v1/day from an address, a file, or standard input. Works out distances,
weights, the mean and the Air Quality Index anew, from the monitors' coordinates and days alone.
Prints its own figures beside the site's; the exit status is 1 where they differ. Needs Python 3.9
or newer and nothing else.
"""

import json
import math
import sys
import urllib.request
from pathlib import Path
from typing import Any

EARTH_RADIUS_KM = 6371.0088
LEAST_KM = 0.01  # a monitor nearer than this counts as this near
TOLERANCE = 0.002  # of one step of the last digit, for binary fractions


def kilometres(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return the great-circle distance of two places by the haversine formula."""
    latitude, other_latitude = math.radians(one["latitude"]), math.radians(other["latitude"])
    east = math.radians(other["longitude"] - one["longitude"])
    part = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other_latitude) * math.sin(east / 2) ** 2
    )
    return max(2 * EARTH_RADIUS_KM * math.asin(math.sqrt(part)), LEAST_KM)


def index(table: dict[str, Any], value: float) -> int:
    """Return the AQI of a concentration: truncated, linear between breakpoints, rounded half up."""
    scale = 10 ** table["decimals"]
    steps = math.floor(max(value, 0) * scale + TOLERANCE)
    row = [row for row in table["rows"] if round(row["lowest"] * scale) <= steps][-1]
    low, high = round(row["lowest"] * scale), round(row["highest"] * scale)
    span = high - low
    rise = (row["highest_aqi"] - row["lowest_aqi"]) * (steps - low)
    found: int = row["lowest_aqi"] + (2 * rise + span) // (2 * span)
    last: int = table["rows"][-1]["highest_aqi"]
    return found if last == 500 else min(found, last)


def recompute(working: dict[str, Any]) -> dict[str, Any]:
    """Return the day's value in the answer's unit, its AQI, and whether it is above the level."""
    rule = working["rule"]
    total = weights = 0.0
    for monitor in working["monitors"]:
        if monitor["value"] is not None:
            weight = kilometres(working["place"], monitor) ** -2
            total += weight * monitor["value"]
            weights += weight
    if not weights:
        return {"value": None, "aqi": None, "above_standard": False}
    mean = total / weights
    return {
        "value": float(f"{mean * rule['display_factor']:.5g}"),
        "aqi": index(rule["aqi"], mean) if rule["aqi"] else None,
        "above_standard": mean >= rule["above_from"] - TOLERANCE * 10 ** -rule["decimals"],
    }


def main(arguments: list[str]) -> int:
    """Recompute the day that the arguments name; return the exit status."""
    source = arguments[0] if arguments else "-"
    if source.startswith(("http://", "https://")):
        with urllib.request.urlopen(source, timeout=60) as response:
            working = json.load(response)
    elif source == "-":
        working = json.load(sys.stdin)
    else:
        working = json.loads(Path(source).read_text(encoding="utf-8"))
    found = recompute(working)
    same = True
    for name, value in found.items():
        given = working["day"][name]
        same = same and value == given
        print(f"{name}: {value} recomputed, {given} on the site")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
