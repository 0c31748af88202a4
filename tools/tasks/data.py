"""Tasks that bring measurements in: EPA's files into the raw store, from there into the zones."""

import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fabric import Connection
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from airaware import settings
from airaware.errors import AirAwareError
from airaware.raw import edges, epa, fetch, rawstore, synthetic
from airaware.science import pollutants, spans
from tools.environments import catalog
from tools.machine.steps import console
from tools.tasks.operation import operation


@operation(
    iterable=["parameter"],
    help={
        "refresh": "fetch what is newer at the source, or damaged here",
        "or_synthetic": "where the source cannot be reached, make synthetic files instead",
    },
)
def fetch_year(
    _: Connection,
    year: str,
    parameter: list[str],
    refresh: bool = False,
    or_synthetic: bool = False,
    env: str = "",
    dry_run: bool = False,
) -> None:
    """Bring a year's hourly files from EPA to the raw store."""
    place = catalog.find(env)
    config, store = settings.read(), place.raw_store()
    wanted = parameter_codes(parameter)
    if dry_run:
        for code in wanted or pollutants.DEFAULT_PARAMETERS:
            name = epa.file_name(code, spans.year(year))
            console.print(f"would bring {name} from {config.epa_url} into {store}")
        return
    try:
        with _bars() as progress:
            report = fetch.fetch_year(
                config, spans.year(year), wanted or None, refresh, progress, store
            )
    except fetch.SourceUnreachableError as error:
        if not or_synthetic:
            raise
        console.print(f"{error}\n[bold]Synthetic files, marked as such, take their place.[/]")
        _synthesize(store, spans.year(year), wanted)
        return
    except fetch.FilesFailedError as error:
        _show(error.report)
        raise
    _show(report)


def _show(report: fetch.FetchReport) -> None:
    """Print a table of each file's outcome."""
    table = Table("file", "outcome", "MB", box=None)
    for file in report.files:
        table.add_row(file.name, file.status, f"{file.size / 1e6:.1f}" if file.size else "")
    console.print(table)


@operation(iterable=["parameter"])
def synthesize_year(
    _: Connection, year: str, parameter: list[str], env: str = "", dry_run: bool = False
) -> None:
    """Make up a year's files, marked as synthetic."""
    store = catalog.find(env).raw_store()
    _synthesize(store, spans.year(year), parameter_codes(parameter), dry_run)


@operation(
    iterable=["parameter"],
    help={
        "years": "one or more years, as 2013,2015-2017",
        "master": "local only: another Spark cluster, as spark://HOST:7077 (this machine's cores)",
        "again": "load also where a zone holds it already",
    },
)
def submit_year(
    _: Connection,
    years: str,
    parameter: list[str],
    master: str = "",
    again: bool = False,
    env: str = "",
    dry_run: bool = False,
) -> None:
    """Run the Spark job over years, and load every zone."""
    place, wanted = catalog.find(env), parameter_codes(parameter)
    spans.years(years)
    if dry_run:
        command = shlex.join(place.submit_command(years, wanted, master, again))
        console.print(f"would run {command}", markup=False)
        return
    place.submit(years, wanted, master, again)


@operation(
    help={
        "years": "one or more years, as 2013,2015-2017 (all)",
        "repair": "load what is damaged again, from another zone or else from the bucket",
    },
)
def verify(
    _: Connection, years: str = "", repair: bool = False, env: str = "", dry_run: bool = False
) -> None:
    """Find loads whose rows differ from what was loaded."""
    if years:
        spans.years(years)
    commands = catalog.find(env).verify_commands(years, repair)
    if dry_run:
        for command in commands:
            console.print(f"would run {shlex.join(command)}", markup=False)
        return
    if not commands:
        raise AirAwareError("No database runs: fab deploy")
    # One zone after another: readers use the other zone meanwhile.
    statuses = [subprocess.call(command) for command in commands]
    if any(statuses):
        raise AirAwareError(
            "Some loads are damaged or unverified: the lines above say which. Repair them:"
            " fab verify --repair"
        )


def _synthesize(
    store: rawstore.Store, year: int, parameters: list[int], dry_run: bool = False
) -> None:
    """Make synthetic files of the parameters; by default, of those that EPA measured that year."""
    codes = parameters or [
        code for code in pollutants.DEFAULT_PARAMETERS if pollutants.get(code).first_year <= year
    ]
    for code in codes:
        name = epa.file_name(code, year)
        if store.exists(name):
            console.print(f"{name}: kept")
        elif dry_run:
            console.print(f"would make {name} in {store}")
        else:
            with tempfile.TemporaryDirectory(prefix="airaware-") as folder, _bars() as progress:
                path = Path(folder) / name
                synthetic.write(path, code, year, progress=_named(progress, name))
                store.put(name, path, epa.check_file(path, code, year).sha256)
                edges.make(store, code, year, path)
            console.print(f"{name}: made, synthetic, {store.size(name) / 1e6:.1f} MB")


def _named(progress: fetch.Progress, name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)


@contextmanager
def _bars() -> Iterator[fetch.Progress]:
    """Yield a function that shows a progress bar per file: name, done and total (0: unknown)."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    bars: dict[str, TaskID] = {}
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as display:

        def show(name: str, done: int, total: int) -> None:
            if name not in bars:
                bars[name] = display.add_task(name, total=None)
            display.update(bars[name], completed=done, total=total or None)

        yield show


def parameter_codes(texts: list[str]) -> list[int]:
    """Return the codes as numbers.

    Raises:
        AirAwareError: One is not a code, or not of a pollutant that we know.
    """
    for text in texts:
        if not re.fullmatch(r"\d{5}", text):
            raise AirAwareError(f"--parameter: '{text}' is not a code of five digits, as 44201")
    return [pollutants.get(int(text)).code for text in texts]
