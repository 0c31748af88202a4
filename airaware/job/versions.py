"""The version of each stage that decides what a load holds.

Raise a stage's version when its results change: every load that went through it is then out of
date. `tests/unit/job/test_golden.py` fails where results change and no version does.
"""

from airaware.science.pollutants import get

VERSIONS = {
    "read": 1,  # rows of EPA's file -> station-months, and the edge hours of neighbouring years
    "corrections": 1,  # rows as measured give way to corrected ones
    "stations": 1,  # station-months -> the stations' hours
    # The daily metric and its AQI; a load has one of the three.
    "max_8h": 1,
    "mean_24h": 1,
    "max_1h": 1,
    "cells": 1,  # the grid's months
    "ranking": 1,  # what the cells are ranked by
    "residuals": 1,  # sums over leave-one-out errors
    "ranges": 1,  # the ranges of counts, by leave-one-out errors
    "coarse": 1,  # means of coarser cells (store/parents.py)
}


def stages(parameter: int) -> tuple[str, ...]:
    """Return the stages that a parameter's loads go through, in order."""
    pollutant = get(parameter)
    corrections = ("corrections",) if pollutant.uncorrected_methods else ()
    return (
        "read",
        *corrections,
        "stations",
        pollutant.daily,
        "cells",
        "ranking",
        "residuals",
        "ranges",
        "coarse",
    )


def code_version(parameter: int) -> str:
    """Return what the manifest records of a parameter's stages: "read 1, stations 1, ..."."""
    return ", ".join(f"{stage} {VERSIONS[stage]}" for stage in stages(parameter))
