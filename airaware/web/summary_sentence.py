"""The answer in one sentence."""

from airaware.science.pollutant import Pollutant
from airaware.web.answers import Summary
from airaware.web.rank import Rank


def sentence(pollutant: Pollutant, year: int, summary: Summary | None, rank: Rank | None) -> str:
    """How often the pollutant was above the level of its standard, and how that compares.

    `summary` is the answer's of the year, None where it has no figures; `rank` is None where the
    place is too far from a monitor to be compared.
    """
    name = plain_name(pollutant)
    if summary is None:
        return f"No monitor within 100 miles measured {name} in {year}."
    if not summary.days:
        return f"In {year} too few hours of {name} were measured to judge any day."
    standard = pollutant.standard
    level = f"{standard.level * pollutant.display_factor:g} {pollutant.display_unit}"
    days = summary.days_above_standard
    said = (
        f"In {year} {name} was {'estimated to be ' if rank is None else ''}above {level}, the level"
        f" of the {standard.edition[:4]} standard, on {_days(days)}"
    )
    if summary.days < 360:
        said += f" of the {summary.days} that can be judged"
    return f"{said}: {_compared(rank)}." if rank else f"{said}."


def plain_name(pollutant: Pollutant) -> str:
    """Its name inside a sentence: "ozone", but "NO2"."""
    label = pollutant.label
    return label.lower() if label.istitle() and label.isalpha() else label


def _days(days: int) -> str:
    return "no day" if not days else "1 day" if days == 1 else f"{days} days"


def _compared(rank: Rank) -> str:
    """The largest of the three shares; rounded down, so that it never says too much."""
    shares = ((rank.more, "fewer than"), (rank.alike, "as"), (rank.fewer, "more than"))
    count, how = max(shares, key=lambda share: share[0])
    percent = 100 * count // rank.zip_codes
    return f"{how} in {percent}% of the ZIP codes that have a monitor within 30 miles"
