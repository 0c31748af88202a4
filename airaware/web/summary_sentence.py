"""The answer in plain words: one sentence for a pollutant, a few for the daily AQI."""

from calendar import isleap
from collections.abc import Mapping, Sequence

from airaware.science.pollutant import Pollutant
from airaware.science.sphere import REACH_KM
from airaware.web.answers import AqiPollutant, Day, Ranges, Rank, RankIn, Summary, Year
from airaware.web.formatting import count_range, distance, error, figure
from airaware.web.working_answer import MonitorDay

# They lead most days in most places: without one of them an index is likely too low.
USUAL_LEADERS = ("ozone", "PM2.5")


def sentence(
    pollutant: Pollutant,
    year: int,
    summary: Summary | None,
    rank: Rank | None,
    ranges: Ranges | None,
) -> str:
    """How often the pollutant was above the level of its standard, and how the place compares.

    Far from all monitors it says so instead. `summary` is the answer's of the year, None where it
    has no figures; `rank` is None where the place cannot be compared, `ranges` where they are not
    known.
    """
    name = plain_name(pollutant)
    if summary is None:
        return f"No monitor near you: none within 100 miles measured {name} in {year}."
    if summary.nearest_km > REACH_KM:
        return (
            f"No monitor near you: in {year} the nearest {name} monitor was"
            f" {distance(summary.nearest_km)} away. The figures below are estimates from distant"
            " monitors."
        )
    if not summary.days:
        return f"In {year} too few hours of {name} were measured to judge any day."
    standard = pollutant.standard
    level = f"{standard.level * pollutant.display_factor:g} {pollutant.display_unit}"
    days = summary.days_above_standard
    said = (
        f"In {year} {name} was above {level}, the level of the {standard.edition[:4]} standard, on"
        f" {_days(days)}"
    )
    if summary.days < 360:
        said += f" of the {summary.days} that can be judged"
    if ranges:
        said += f" (90% range: {count_range(ranges.days_above_standard)})"
    return f"{said}. {_compared(pollutant, rank)}" if rank else f"{said}."


def aqi_sentence(
    year: int,
    aqi_days: Mapping[str, int],
    pollutants: Sequence[AqiPollutant],
    ties: int,
    error_not_known: Sequence[str],
) -> str:
    """Say how the days were by the daily AQI, and which pollutants led it.

    Args:
        year: the year.
        aqi_days: how many days each category has.
        pollutants: those that have an index on any day.
        ties: on how many days several of them have the highest one.
        error_not_known: names of those that lead a day whose error is not known: said first.
    """
    said = ""
    if error_not_known:
        said = f"How far off {_and(error_not_known)} may be is not known on some days here. "
    nearest_km = [each.nearest_km for each in pollutants if each.nearest_km is not None]
    if nearest_km and min(nearest_km) > REACH_KM:
        return (
            f"{said}No monitor near you: in {year} the nearest was {distance(min(nearest_km))}"
            " away. The days below are estimates from distant monitors."
        )
    found = [(name, days) for name, days in aqi_days.items() if days]
    counts = [f"{found[0][0]} on {_days(found[0][1])}"]
    counts += [f"{name} on {days}" for name, days in found[1:]]
    said += f"In {year} the air was estimated to be {_and(counts)}"
    known = sum(aqi_days.values())
    whole = known == 365 + isleap(year)
    said += (
        "."
        if whole
        else f", of the {known} that {'has' if known == 1 else 'have'} an Air Quality Index."
    )
    if len(pollutants) == 1:
        return f"{said} The index rests on {pollutants[0].name} alone."
    ranked = sorted(pollutants, key=lambda each: -each.leads)
    leads = [f"{each.name} on {_days(each.leads)}" for each in ranked if each.leads]
    if ties:
        tied = [each.name for each in ranked if each.ties]
        together = f"{' and '.join(tied)} together" if len(tied) == 2 else "several together"
        leads.append(f"{together} on {_days(ties)}")
    said += f" The pollutant with the highest index was {_and(leads)}."
    for each in ranked:
        if each.leads + each.ties and each.nearest_km and each.nearest_km > REACH_KM:
            said += (
                f" The nearest monitor of {each.name} was far, {distance(each.nearest_km)} away."
            )
    lacking = [name for name in USUAL_LEADERS if name not in {each.name for each in pollutants}]
    if lacking:
        them = "it" if len(lacking) == 1 else "them"
        said += f" There are no data of {_and(lacking)} here, so the index does not include {them}."
    return said


def trend_sentence(pollutant: Pollutant, years: Sequence[Year]) -> str | None:
    """Say how the last year compares with the first; None of years that do not compare.

    Years compare that have the same number of months, and are all measured or all made up.

    Args:
        pollutant: whose years they are.
        years: in their order.
    """
    alike = [
        year
        for year in years
        if (year.months, year.synthetic) == (years[-1].months, years[-1].synthetic)
    ]
    if len(alike) < 2 or not alike[0].daily_mean or alike[-1].daily_mean is None:
        return None
    first, last = alike[0].daily_mean, alike[-1].daily_mean
    percent = round(100 * (last / first - 1))
    how = f"{abs(percent)}% {'higher' if percent > 0 else 'lower'}" if percent else "no change"
    return (
        f"The {pollutant.daily_label} of {plain_name(pollutant)} averaged {figure(last)}"
        f" {pollutant.display_unit} in {alike[-1].year} and {figure(first)} in {alike[0].year}:"
        f" {how}."
    )


def working_sentence(pollutant: Pollutant, day: Day, monitors: Sequence[MonitorDay]) -> str:
    """Say what a day's figure is and how many monitors it is the mean of."""
    name = plain_name(pollutant)
    counted = [each for each in monitors if each.share is not None]
    if day.value is None or not counted:
        return f"No monitor within 100 miles measured enough of {name} on this day."
    off = f" ({error(day.expected_error)})" if day.expected_error else ", how far off is not known"
    index = f", an Air Quality Index of {day.aqi} ({day.category})" if day.category else ""
    near = f"{distance(counted[0].distance_km)} away"
    rests_on = (
        f"It is the daily value of the only monitor that counts, {near}."
        if len(counted) == 1
        else f"It is the mean of {len(counted)} monitors; the nearest, {near}, counts most."
    )
    return (
        f"On this day {name} was estimated at {figure(day.value)} {pollutant.display_unit}"
        f"{off}{index}. {rests_on}"
    )


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def plain_name(pollutant: Pollutant) -> str:
    """Its name inside a sentence: "ozone", but "NO2"."""
    label = pollutant.label
    return label.lower() if label.istitle() and label.isalpha() else label


def _days(days: int) -> str:
    return "no day" if not days else "1 day" if days == 1 else f"{days} days"


def _compared(pollutant: Pollutant, rank: Rank) -> str:
    measure = f"Its {rank.measure}, {figure(rank.value)} {pollutant.display_unit}, was"
    country, *state = map(_share, rank.areas)
    said = f"{measure} {country} of the ZIP codes that have a monitor within 30 miles"
    return f"{said}, and {state[0]} of those in {rank.areas[1].area}." if state else f"{said}."


def _share(rank: RankIn) -> str:
    """Name the largest of the three shares; rounded down, so that it never says too much."""
    shares = ((rank.higher, "lower than"), (rank.alike, "the same as"), (rank.lower, "higher than"))
    count, how = max(shares, key=lambda share: share[0])
    return f"{how} in {100 * count // (rank.higher + rank.alike + rank.lower)}%"
