"""Tasks for EPA's newer files: bring and load them, and say what changed in them."""

from datetime import UTC, datetime
from itertools import pairwise

from fabric import Connection
from rich.table import Table

from airaware import settings
from airaware.errors import AirAwareError
from airaware.job import refresh as newer
from airaware.raw import edges, epa, rawstore
from airaware.raw import vintages as comparison
from airaware.science import pollutants, spans
from tools.environments import catalog
from tools.machine.steps import console, show_table
from tools.tasks.data import parameter_codes
from tools.tasks.operation import operation


@operation(
    help={
        "years": "one or more years, as 2013,2015-2017 (those in the raw store)",
    }
)
def refresh(_: Connection, years: str = "", env: str = "", dry_run: bool = False) -> None:
    """Bring files that are newer at EPA, and load what changed."""
    place, config = catalog.find(env), settings.read()
    store, named = place.raw_store(), spans.years(years) if years else []
    wanted = newer.wanted(store, named)
    if not wanted:
        raise AirAwareError(f"The raw store {store} has no year yet: fab fetch-year YEAR")
    if dry_run:
        for year, codes in wanted.items():
            for code in codes or pollutants.DEFAULT_PARAMETERS:
                name = epa.file_name(code, year)
                console.print(f"would ask {config.epa_url} for a newer {name}", markup=False)
        console.print("would load what is newer, and what has hours of a neighbouring year from it")
        return
    with place.reading() as zones:
        loads = newer.held(zones, _say)
    fetched, failures = newer.bring(config, store, named, _say)
    stale = newer.stale(store, loads, fetched, named)
    if not stale and not failures:
        console.print("every load is made of the newest files")
    for span, codes in newer.groups(stale):
        try:
            place.submit(span, codes)
        except AirAwareError as error:
            failures.append(str(error))
    if failures:
        raise AirAwareError("\n".join(failures))


def _say(line: str) -> None:
    console.print(line, markup=False)


@operation(
    iterable=["parameter"],
    help={
        "restore": "a version's SHA-256, or its beginning: make it the year's file again",
    },
)
def vintages(
    _: Connection,
    year: str,
    parameter: list[str],
    restore: str = "",
    env: str = "",
    dry_run: bool = False,
) -> None:
    """List the kept versions of a year's files and what changed."""
    store, of = catalog.find(env).raw_store(), spans.year(year)
    codes = parameter_codes(parameter) or [code for code, each in newer.stored(store) if each == of]
    if restore:
        _restore(store, codes, of, restore, dry_run)
        return
    for code in codes:
        name = epa.file_name(code, of)
        versions = store.kept(name)
        for version in versions:
            day = datetime.fromtimestamp(version.modified_seconds, UTC).date()
            _say(f"{name} of {day}, SHA-256 {version.sha256}{', the current' * version.current}")
        for older, later in pairwise(versions):
            with store.version(name, older.sha256) as before, store.version(
                name, later.sha256
            ) as after:  # fmt: skip
                _show(older, later, comparison.changes(before, after, code, of))
    if not codes:
        raise AirAwareError(f"The raw store {store} has no file of {of}: fab fetch-year {of}")


def _show(older: rawstore.Kept, later: rawstore.Kept, changes: list[comparison.Change]) -> None:
    _say(f"from {older.sha256[:8]} to {later.sha256[:8]}: {len(changes)} days of sites changed")
    table = Table("site", "day", "hours that came", "went", "changed", box=None)
    for each in changes:
        table.add_row(each.site, str(each.day), str(each.came), str(each.went), str(each.changed))
    if changes:
        show_table(table)


def _restore(
    store: rawstore.Store, codes: list[int], year: int, sha256: str, dry_run: bool
) -> None:
    """Make a kept version the year's file again; the present one is kept in turn."""
    found = [
        (code, version.sha256)
        for code in codes
        for version in store.kept(epa.file_name(code, year))
        if version.sha256.startswith(sha256)
    ]
    if len(found) != 1:
        raise AirAwareError(
            f"--restore: '{sha256}' names {len(found) or 'no'} versions of {year}: `fab vintages"
            f" {year}` lists them"
        )
    ((code, whole),) = found
    name = epa.file_name(code, year)
    if dry_run:
        _say(f"would make {whole} the store's {name} again")
        return
    with store.version(name, whole) as path:
        store.put(name, path, whole)
        edges.make(store, code, year, path)
    _say(f"{name} is {whole} again. Load it: fab submit-year {year} --parameter {code}")
