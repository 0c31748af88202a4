"""What the answer at a place begins with: one daily AQI, and the year against the standards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from airaware.science import daily_aqi as index
from airaware.science import metrics, standards
from airaware.science.pollutant import AQI_CATEGORIES, Pollutant
from airaware.science.pollutants import AQI_EDITION
from airaware.science.rounding import displayed, five_digits, rounded, rounded_each, shown
from airaware.science.sphere import REACH_KM
from airaware.web import answers
from airaware.web.point_year import PointYear
from airaware.web.summary_sentence import aqi_sentence, plain_name

OZONE, PM25, PM25_OTHER = 44201, 88101, 88502
JUDGED_BY_YEAR = (OZONE, PM25)
NOTE = (
    "Estimated at the place from the monitors near it: not a regulatory finding. EPA judges each"
    " monitor, over three years."
)
PM25_NOTE = "Rests on continuous monitors only: EPA's filter samples are not loaded."


@dataclass(frozen=True)
class _Contender:
    """A pollutant of the daily index, day by day (days,); PM2.5's parameter changes with the day.

    expected_error is in the display unit; NaN where it is not known.
    """

    name: str
    unit: str
    parameter: np.ndarray
    aqi: np.ndarray
    nearest_km: np.ndarray
    expected_error: np.ndarray
    smoke_hours: np.ndarray


def daily_aqi(years: Sequence[PointYear]) -> answers.DailyAqi | None:
    """Return the daily index over the pollutants of a year; None where no day has one."""
    contenders = _contenders(years)
    if not contenders:
        return None
    found = index.highest(np.array([each.aqi for each in contenders]))
    days, ties = int((found.aqi > index.NO_INDEX).sum()), int(found.ties.sum())
    if not days:
        return None
    categories = index.category(found.aqi)
    aqi_days = {name: int((categories == n).sum()) for n, name in enumerate(AQI_CATEGORIES)}
    listed = [
        _pollutant(each, known, leads, found.ties)
        for each, known, leads in zip(contenders, found.known, found.leads, strict=True)
        if known.any()
    ]
    error_not_known = [
        each.name
        for each, leads in zip(contenders, found.leads, strict=True)
        if np.isnan(each.expected_error[leads]).any()
    ]
    return answers.DailyAqi(
        sentence=aqi_sentence(years[0].load.year, aqi_days, listed, ties, error_not_known),
        error_not_known=error_not_known,
        synthetic=any(each.load.synthetic for each in years if each.pollutant.aqi),
        edition=AQI_EDITION,
        days=days,
        aqi_days=aqi_days,
        ties=ties,
        pollutants=listed,
        by_day=_by_day(years[0], contenders, found, categories),
    )


def _contenders(years: Sequence[PointYear]) -> list[_Contender]:
    by_code = {each.load.parameter: each for each in years if each.pollutant.aqi}
    kinds = [by_code.pop(code) for code in (PM25, PM25_OTHER) if code in by_code]
    others = [_contender(each) for each in by_code.values()]
    pm25 = [_contender(each) for each in kinds]
    return others + ([_pm25(*pm25)] if len(pm25) > 1 else pm25)


def _contender(year: PointYear) -> _Contender:
    pollutant = year.pollutant
    return _Contender(
        name=plain_name(pollutant) if pollutant.code not in (PM25, PM25_OTHER) else "PM2.5",
        unit=pollutant.display_unit,
        parameter=np.full(len(year.daily), pollutant.code),
        aqi=year.aqi,
        nearest_km=year.nearest_km,
        expected_error=year.expected_error * pollutant.display_factor,
        smoke_hours=year.smoke_hours,
    )


def _pm25(regulatory: _Contender, other: _Contender) -> _Contender:
    """Decide day by day which kind of monitor the index of PM2.5 is from."""
    chosen = index.from_regulatory_monitors(regulatory.aqi, regulatory.nearest_km, other.aqi)
    return _Contender(
        regulatory.name,
        regulatory.unit,
        **{
            name: np.where(chosen, getattr(regulatory, name), getattr(other, name))
            for name in ("parameter", "aqi", "nearest_km", "expected_error", "smoke_hours")
        },
    )


def _pollutant(
    contender: _Contender, known: np.ndarray, leads: np.ndarray, ties: np.ndarray
) -> answers.AqiPollutant:
    errors = contender.expected_error[known]
    return answers.AqiPollutant(
        name=contender.name,
        parameters=sorted(set(contender.parameter[known].tolist())),
        unit=contender.unit,
        days=int(known.sum()),
        leads=int((leads & ~ties).sum()),
        ties=int((leads & ties).sum()),
        nearest_km=rounded(float(contender.nearest_km[known].min())),
        expected_error=rounded(float(np.sqrt(np.mean(errors**2)))),
    )


def _by_day(
    year: PointYear, contenders: Sequence[_Contender], found: index.DailyAqi, categories: np.ndarray
) -> list[answers.AqiDay]:
    """Return the days; those that differ in little share the lists of what they rest on."""
    runs, leaders = zip(*map(_leaders, contenders), strict=True)
    flags = np.concatenate([found.leads, found.known])
    # No run goes back: their sum is another one wherever any of them is.
    alike = (1 << np.arange(len(flags))) @ flags + (sum(runs) << len(flags))
    kinds, firsts = np.unique(alike, return_index=True)

    of_kinds = zip(
        *([each[number] for number in run[firsts].tolist()]
          for each, run in zip(leaders, runs, strict=True)),
        strict=True,
    )  # fmt: skip
    flags_of_kinds = (each[:, firsts].T.tolist() for each in (found.leads, found.known))
    rests_of = {
        kind: (
            list(compress(of_kind, leads)),
            [each.parameter for each in compress(of_kind, known)],
        )
        for kind, of_kind, leads, known in zip(
            kinds.tolist(), of_kinds, *flags_of_kinds, strict=True
        )
    }
    smoke_hours = np.where(found.known, [each.smoke_hours for each in contenders], 0).max(axis=0)
    rows = zip(
        year.dates, found.aqi.tolist(), categories.tolist(),
        map(rests_of.__getitem__, alike.tolist()), smoke_hours.tolist(), strict=True,
    )  # fmt: skip
    return [
        answers.AqiDay(
            day,
            aqi if aqi > index.NO_INDEX else None,
            AQI_CATEGORIES[category] if category >= 0 else None,
            leading,
            rests_on,
            smoke,
        )
        for day, aqi, category, (leading, rests_on), smoke in rows
    ]


def _leaders(contender: _Contender) -> tuple[np.ndarray, list[answers.Leader]]:
    """Return the contender as it would lead: which run of days each day is in, and of each run."""
    columns = contender.parameter, contender.nearest_km, contender.expected_error
    # Where nothing is known on either day (NaN), nothing changes.
    known = [np.nan_to_num(column, nan=-1.0) for column in columns]
    begins = np.any([column[1:] != column[:-1] for column in known], axis=0)
    firsts = [0, *(1 + np.flatnonzero(begins)).tolist()]
    parameter, nearest_km, expected_error = (column[firsts] for column in columns)
    rows = zip(
        parameter.tolist(), rounded_each(nearest_km), rounded_each(expected_error), strict=True
    )
    return (
        np.concatenate([[0], np.cumsum(begins)]),
        [answers.Leader(code, km or 0.0, off) for code, km, off in rows],
    )


def against_standards(
    years: Sequence[PointYear], before: Mapping[int, Sequence[PointYear]]
) -> answers.AgainstStandards:
    """Return a year beside the annual standards.

    Args:
        years: the year's pollutants.
        before: the two years before of JUDGED_BY_YEAR, by parameter, where they are loaded.
    """
    by_code = {year.load.parameter: year for year in years}
    pm25, ozone = by_code.get(PM25), by_code.get(OZONE)
    return answers.AgainstStandards(
        note=NOTE,
        pm25=_pm25_standards(pm25, before.get(PM25, ())) if pm25 else None,
        ozone=_ozone_standards(ozone, before.get(OZONE, ())) if ozone else None,
    )


def _pm25_standards(year: PointYear, before: Sequence[PointYear]) -> answers.Pm25Standards | None:
    found = standards.annual_mean(year.daily, year.load.year)
    if found is None:
        return None
    pollutant = year.pollutant
    other = standards.annual_mean(_without_smoke(year), year.load.year)
    if other and other.of_whole_year != found.of_whole_year:
        other = None  # the smoke took a whole quarter away
    means = [
        each.mean
        for one in (*before, year)
        if (each := standards.annual_mean(one.daily, one.load.year)) and each.of_whole_year
    ]
    above = standards.mean_of_annual_means([found.mean]) > standards.PM25_ANNUAL.level
    return answers.Pm25Standards(
        **_judged(year),
        note=PM25_NOTE,
        annual_mean=five_digits(found.mean),
        above_standard=above if found.of_whole_year else None,
        quarters=[
            answers.Quarter(number, rounded(quarter.mean), quarter.days, quarter.short)
            for number, quarter in enumerate(found.quarters, 1)
        ],
        standard=_level(standards.PM25_ANNUAL),
        guideline=_level(standards.WHO_ANNUAL),
        daily_guideline=_level(standards.WHO_DAILY),
        days_above_daily_guideline=standards.days_above(
            pollutant, year.daily, standards.WHO_DAILY.level
        ),
        three_year_mean=standards.mean_of_annual_means(means)
        if len(means) == standards.FORM_YEARS
        else None,
        annual_mean_without_smoke=_if_another(found.mean, other.mean if other else None),
    )


def _ozone_standards(year: PointYear, before: Sequence[PointYear]) -> answers.OzoneStandards | None:
    pollutant = year.pollutant
    fourth = standards.fourth_highest(pollutant, year.daily)
    if fourth is None:
        return None
    values = [
        each
        for one in (*before, year)
        if (each := standards.fourth_highest(pollutant, one.daily)) is not None
    ]
    return answers.OzoneStandards(
        **_judged(year),
        fourth_highest=displayed(pollutant, fourth),
        above_standard=bool(metrics.above(pollutant, fourth)),
        standard=daily_standard(pollutant),
        three_year_mean=shown(pollutant, standards.mean_of_fourth_highest(pollutant, values))
        if len(values) == standards.FORM_YEARS
        else None,
        fourth_highest_without_smoke=shown(
            pollutant,
            _if_another(fourth, standards.fourth_highest(pollutant, _without_smoke(year))),
        ),
    )


def _without_smoke(year: PointYear) -> np.ndarray:
    """Return a year's days, NaN where hours were flagged as smoke."""
    return np.where(year.smoke_hours > 0, np.nan, year.daily)


def _if_another(figure: float, without_smoke: float | None) -> float | None:
    """Return the figure without smoke where it is another one, to five digits."""
    known = rounded(without_smoke)
    return None if known == rounded(figure) else known


def daily_standard(pollutant: Pollutant) -> answers.Standard:
    """Return the standard that a day of a pollutant is held against."""
    standard = pollutant.standard
    return answers.Standard(displayed(pollutant, standard.level), standard.edition, standard.text)


def _judged(year: PointYear) -> dict[str, Any]:
    """Return what a year's judgement rests on."""
    known = np.isfinite(year.daily)
    return {
        "parameter": year.load.parameter,
        "unit": year.pollutant.display_unit,
        "synthetic": year.load.synthetic,
        "days": int(known.sum()),
        "nearest_km": five_digits(float(year.nearest_km[known].min())),
        "estimate": bool((year.nearest_km[known] > REACH_KM).any()),
    }


def _level(level: standards.Level) -> answers.Standard:
    return answers.Standard(level.level, level.edition, level.text)
