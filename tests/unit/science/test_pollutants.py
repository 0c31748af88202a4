"""The table of parameters: complete, consistent, and with gapless AQI tables."""

import itertools

import pytest

from airaware.errors import AirAwareError
from airaware.science import pollutants
from airaware.science.pollutant import AQI_CATEGORIES
from airaware.science.pollutants import POLLUTANTS

EVERY = pytest.mark.parametrize("pollutant", POLLUTANTS.values(), ids=lambda known: known.label)


def test_ozone_and_both_kinds_of_fine_particles_are_fetched_by_default():
    assert pollutants.DEFAULT_PARAMETERS == (44201, 88101, 88502)
    assert set(POLLUTANTS) == {44201, 88101, 88502, 42602, 42401, 42101, 81102}


def test_an_unknown_code_names_the_known_ones():
    with pytest.raises(AirAwareError, match=r"44202.*44201 \(Ozone\).*81102 \(PM10\)"):
        pollutants.get(44202)


def test_the_fine_particles_are_told_apart():
    reference, other = pollutants.get(88101), pollutants.get(88502)
    assert reference.label != other.label
    assert reference.name != other.name
    assert "non-FRM" in other.label
    assert "Not a method of the national standard" in other.note
    assert reference.uncorrected_methods == ("236", "238")
    assert not other.uncorrected_methods


def test_labels_are_unique():
    assert len({known.label for known in POLLUTANTS.values()}) == len(POLLUTANTS)


@EVERY
def test_the_standard_names_its_edition_and_section(pollutant):
    standard = pollutant.standard
    assert standard.edition in standard.text
    assert "40 CFR 50." in standard.text
    assert standard.level < standard.above_from
    assert f"{standard.level:g}" in standard.text.replace("0.070", "0.07")


@EVERY
def test_only_eight_hour_metrics_have_an_eight_hour_rule(pollutant):
    assert (pollutant.eight_hours is not None) == (pollutant.daily == "max_8h")


@EVERY
def test_the_aqi_table_has_no_gap(pollutant):
    rows = pollutant.aqi.rows
    step = 10**-pollutant.aqi.decimals
    assert rows[0][0] == 0
    assert rows[0][2] == 0
    for (_, high, _, index_high), (low, _, index_low, _) in itertools.pairwise(rows):
        assert low == pytest.approx(high + step)
        assert index_low == index_high + 1
    # Every row is one category, whose tops are these.
    tops = (50, 100, 150, 200, 300, 500)
    assert tuple(row[3] for row in rows) == tops[: len(rows)]
    assert len(tops) == len(AQI_CATEGORIES)


@EVERY
def test_moderate_ends_where_the_standard_does(pollutant):
    """EPA sets AQI 100 at the level of the short-term standard, to within its rounding."""
    moderate_ends = pollutant.aqi.rows[1][1]
    step = 10**-pollutant.aqi.decimals
    assert moderate_ends < pollutant.standard.above_from <= moderate_ends + step + 1e-9
