"""The task that shows how far estimates are from measurements."""

from collections.abc import Callable
from contextlib import suppress

from fabric import Connection
from rich.table import Table

from airaware import store
from airaware.errors import AirAwareError
from airaware.science import pollutants, spans
from airaware.science.accuracy import (
    DAILY,
    FROM_MILES,
    HOURS,
    MONTH,
    SEASONS,
    Errors,
    Residuals,
    errors,
)
from airaware.science.pollutant import Pollutant
from airaware.settings import Zone
from airaware.store import manifest, queries, stations
from airaware.store.manifest import Loaded
from airaware.store.zones import Reader
from tools.environments import catalog
from tools.machine.steps import console
from tools.tasks.data import parameter_codes
from tools.tasks.operation import operation

QUANTITY_NAMES = {HOURS: "hours", DAILY: "daily metric", MONTH: "month's mean"}


@operation(
    iterable=["parameter"],
    help={"year": "a year that is loaded, as 2017"},
)
def accuracy(_: Connection, year: str, parameter: list[str], env: str = "") -> None:
    """Show how far estimates are from measurements."""
    number, wanted = spans.year(year), parameter_codes(parameter)
    with catalog.find(env).reading() as zones:
        _show(_answering(zones), number, wanted)


def _show(zone: Zone, year: int, wanted: list[int]) -> None:
    """Print a table for each of the parameters in that year.

    Raises:
        AirAwareError: The zone lacks one.
    """
    loads = [
        load
        for load in manifest.loads(zone)
        if load.year == year and (not wanted or load.parameter in wanted)
    ]
    missing = set(wanted) - {load.parameter for load in loads}
    if missing or not loads:
        named = f" of {', '.join(map(str, sorted(missing)))}" if missing else ""
        raise AirAwareError(
            f"zone {zone.name} does not have {year}{named}. Load it first: fab submit-year {year}"
        )
    for load in loads:
        console.print(_table(zone, load))


def _answering(zones: tuple[Zone, ...]) -> Zone:
    """Return the first zone whose database answers.

    Raises:
        AirAwareError: None does.
    """
    for zone in zones:
        with suppress(AirAwareError):
            store.connect(zone).close()
            return zone
    raise AirAwareError("No zone's database answers. Start them: fab deploy")


def _table(zone: Zone, load: Loaded) -> Table:
    """Return errors by quantity, season and distance, of the site's rule and of kriging."""
    from airaware.science import kriging  # SciPy takes a second to import, in every task

    pollutant = pollutants.get(load.parameter)
    ours = queries.residuals(Reader([zone]), load.parameter, load.year)
    with console.status(f"kriging {pollutant.label}"):
        kriged = _kriged(zone, load)
    table = Table(
        title=f"{pollutant.label} ({load.parameter}) {load.year}, in {pollutant.display_unit}"
        + (", synthetic" if load.synthetic else ""),
        caption="IDW: the site's rule. Kriging: ordinary, an exponential variogram per month,"
        f" the {kriging.NEIGHBOURS} nearest stations.",
    )
    table.add_column("")
    for heading in ("values", *_headings("IDW"), *_headings("kriging")):
        table.add_column(heading, justify="right")
    for quantity, name in QUANTITY_NAMES.items():
        table.add_section()
        for group, belongs in _groups().items():
            alike = [
                errors(r for r in residuals if r.quantity == quantity and belongs(r))
                for residuals in (ours, kriged)
            ]
            if alike[0].observed:
                figures = (figure for found in alike for figure in _figures(found, pollutant))
                table.add_row(f"{name}, {group}", f"{alike[0].observed:,}", *figures)
    return table


def _kriged(zone: Zone, load: Loaded) -> list[Residuals]:
    from airaware.science import kriging
    from airaware.science.leave_one_out import leave_one_out

    found = []
    for month in stations.months(zone, load.parameter, load.year):
        left_out = leave_one_out(
            month.latitude, month.longitude, month.hours, month.daily, month.offsets
        )
        if left_out:
            for row in kriging.month_sums(month.month, left_out).tolist():
                found.append(Residuals(row[0], row[1].decode(), *row[2:]))
    return found


def _groups() -> dict[str, Callable[[Residuals], bool]]:
    """Return the groups of a table, each by its name."""
    ends = (f"-{end}" for end in FROM_MILES[1:])
    distances = {f"{begin}{next(ends, ' or more')} miles": begin for begin in FROM_MILES}
    return (
        {"all": lambda _r: True}
        | {name: lambda r, months=months: r.month in months for name, months in SEASONS.items()}
        | {name: lambda r, begin=begin: r.from_miles == begin for name, begin in distances.items()}
    )


def _headings(method: str) -> tuple[str, ...]:
    return tuple(f"{method}\n{figure}" for figure in ("covered", "RMSE", "bias", "R2"))


def _figures(found: Errors, pollutant: Pollutant) -> tuple[str, ...]:
    """Return coverage, RMSE, bias and R2 as text; empty where the method has none."""
    if not found.observed:
        return ("",) * 4

    def written(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    factor = pollutant.display_factor
    rmse, bias = (value if value is None else value * factor for value in (found.rmse, found.bias))
    return (
        written(found.coverage, ".1%"),
        written(rmse, ".2f"),
        written(bias, "+.2f"),
        written(found.r2, ".2f"),
    )
