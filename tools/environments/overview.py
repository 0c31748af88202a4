"""What an environment's status shows: what runs, what is stored, what is loaded."""

from datetime import UTC
from itertools import chain

from rich.table import Table

from airaware.errors import AirAwareError
from airaware.raw import edges, rawstore
from airaware.science import pollutants
from airaware.settings import Zone
from airaware.store import manifest
from airaware.store.manifest import Loaded
from tools.fleet.hosts import Host
from tools.machine.steps import console, show_table


def show_hosts(hosts: list[Host]) -> None:
    """Print a fleet's hosts."""
    table = Table("host", "role", "zone", "instance", "address", "state", "since")
    for host in hosts:
        table.add_row(
            *(host.name, host.role, host.zone, host.instance_id, str(host.address)),
            *(host.state, f"{host.launched_at:%Y-%m-%d %H:%M:%S}"),
        )
    console.print(table)


def show_data(store: rawstore.Store, zones: tuple[Zone, ...]) -> None:
    """Print how many raw files there are, and what each zone that answers has loaded."""
    names = store.names()
    megabytes = sum(store.size(name) for name in names) / 1e6
    console.print(f"raw store {store}: {len(names)} files, {megabytes:,.0f} MB")
    loads: dict[str, list[Loaded]] = {}
    sizes: dict[tuple[int, int], dict[str, int]] = {}
    for zone in zones:
        try:
            found, bytes_by_table = manifest.loads(zone), manifest.sizes(zone)
        except AirAwareError as error:
            console.print(str(error).strip(), markup=False)
        else:
            loads[zone.name] = found
            sizes |= bytes_by_table
    if loads:
        _show_loads(loads, sizes)
        _show_stale(store, loads)


def _show_loads(
    loads: dict[str, list[Loaded]], sizes: dict[tuple[int, int], dict[str, int]]
) -> None:
    """Print a row per load: each zone's copy of it, and its size by table in any zone."""
    served = {
        zone: {(load.year, load.parameter): load for load in rows} for zone, rows in loads.items()
    }
    keys = sorted({key for rows in served.values() for key in rows})
    if not keys:
        console.print("no year is loaded: fab fetch-year 2017, then fab submit-year 2017")
        return
    counts = ("rows", "left out", "bad", "MB")
    table = Table("year", "pollutant", *counts, "data", "zones", "verified", "checksum")
    for year, parameter in keys:
        copies = {zone: rows.get((year, parameter)) for zone, rows in served.items()}
        load = next(copy for copy in copies.values() if copy)
        table.add_row(
            str(year),
            f"{parameter} {pollutants.get(parameter).label}",
            *(f"{count:,}" for count in (load.rows_read, load.excluded, load.rejected)),
            f"{sum(sizes[parameter, year].values()) / 1e6:,.0f}",
            "synthetic" if load.synthetic else "EPA",
            _agreement(copies),
            _verified(copies),
            _checksums(copies),
        )
    show_table(table)


def _show_stale(store: rawstore.Store, loads: dict[str, list[Loaded]]) -> None:
    """Print the loads whose neighbouring years' edge hours differ from the raw store's."""
    stale = {
        (load.year, load.parameter): others
        for load in chain.from_iterable(loads.values())
        if (others := edges.changed(store, load.parameter, load.year, load.synthetic, load.edges))
    }
    for (year, parameter), others in sorted(stale.items()):
        console.print(
            f"{year} of {parameter} is stale: the hours of {' and '.join(map(str, others))} beside"
            " it have come, changed or gone since it was loaded. Renew it:"
            f" fab submit-year {year} --parameter {parameter}"
        )


def _agreement(copies: dict[str, Loaded | None]) -> str:
    """Return whether the zones hold the same load, undamaged."""
    missing = [zone for zone, copy in copies.items() if copy is None]
    damaged = [zone for zone, copy in copies.items() if copy and copy.damaged]
    if missing:
        return f"missing in {', '.join(missing)}: submit the year again"
    if damaged:
        return f"damaged in {', '.join(damaged)}: fab verify --repair"
    if not all(copy.verifiable for copy in copies.values() if copy):
        return "not verifiable: submit the year again"
    if len({copy.checksum for copy in copies.values() if copy}) > 1:
        return "they differ: submit the year again"
    return "equal"


def _verified(copies: dict[str, Loaded | None]) -> str:
    """Return when the load was last verified, in the zone where that is longest ago."""
    moments = [copy.verified_at for copy in copies.values() if copy]
    known = [moment for moment in moments if moment]
    if not known or len(known) < len(moments):
        return "never"
    return f"{min(known).astimezone(UTC):%Y-%m-%d %H:%M}"


def _checksums(copies: dict[str, Loaded | None]) -> str:
    """Return the zones' common checksum; where they differ, each zone's."""
    checksums = {zone: copy.checksum for zone, copy in copies.items() if copy}
    if len(set(checksums.values())) == 1:
        return str(next(iter(checksums.values())))
    return ", ".join(f"{zone}: {checksum}" for zone, checksum in checksums.items())
