"""The metrics that the map can show: one entry each, over a column of the store.

The column must be in the tables `cell_year` and `parent_year`, as twelve months.
"""

from collections.abc import Callable
from dataclasses import dataclass

from airaware.science.accuracy import DAILY, MONTH
from airaware.science.pollutant import Pollutant


@dataclass(frozen=True)
class MapMetric:
    """A metric of the map.

    Attributes:
        column: its name in the store, and in the map's addresses.
        label: what the page calls it.
        scale: what the colours stretch over, in the metric's unit: (lowest, highest).
        errs_as: the quantity whose expected error holds for it.
        counts_days: whether it is a number of days, not a concentration.
    """

    column: str
    label: Callable[[Pollutant], str]
    scale: Callable[[Pollutant], tuple[float, float]]
    errs_as: str
    counts_days: bool = False

    def unit(self, pollutant: Pollutant) -> str:
        """Return the unit that pages show."""
        return "days" if self.counts_days else pollutant.display_unit

    def factor(self, pollutant: Pollutant) -> float:
        """Return what a stored value is multiplied by to have that unit."""
        return 1.0 if self.counts_days else pollutant.display_factor


def _standard(pollutant: Pollutant) -> str:
    level = pollutant.standard.level * pollutant.display_factor
    return f"{level:g} {pollutant.display_unit}"


_TABLE = (
    MapMetric(
        "hourly_mean",
        label=lambda _: "Mean of all hours",
        scale=lambda pollutant: pollutant.map_scales.hourly_mean,
        errs_as=MONTH,
    ),
    MapMetric(
        "daily_mean",
        label=lambda pollutant: f"Mean of the {pollutant.daily_label}s",
        scale=lambda pollutant: pollutant.map_scales.daily_mean,
        errs_as=DAILY,
    ),
    MapMetric(
        "daily_max",
        label=lambda pollutant: f"Highest {pollutant.daily_label}",
        scale=lambda pollutant: pollutant.map_scales.daily_max,
        errs_as=DAILY,
    ),
    MapMetric(
        "days_above",
        label=lambda pollutant: f"Days above {_standard(pollutant)}",
        scale=lambda _: (0, 10),
        errs_as=DAILY,
        counts_days=True,
    ),
)
MAP_METRICS = {metric.column: metric for metric in _TABLE}
