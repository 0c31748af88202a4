"""Tasks that break a fleet on purpose, report whether it held, and repair it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fabric import Connection
from invoke import Exit
from rich.table import Table

from airaware.errors import AirAwareError
from airaware.host.prometheus import ERROR_BUDGET_LEFT
from tools.drill import faults, model, probes, report, runner
from tools.drill import journal as journals
from tools.drill.journal import Journal
from tools.drill.model import Drill
from tools.drill.world import World
from tools.environments import catalog
from tools.environments.fleet import Fleet
from tools.machine.steps import console, heartbeat
from tools.tasks.operation import operation
from tools.tasks.shift import ZONE_HELP

ALL = "all"
PRODUCTION = "production"
# The share of the month's error budget (one request in a thousand) that a drill there needs.
LEAST_BUDGET = 0.5


@operation()
def drills(_: Connection) -> None:
    """List the outage drills and their hypotheses."""
    table = Table("drill", "visitors/s", "hypothesis")
    for name in model.names():
        found = model.find(name)
        table.add_row(name, f"{found.rate + found.spike_rate:g}", found.hypothesis)
    console.print(table)


@operation(
    help={
        "name": "a drill, as `fab drills` lists them; all: each in turn, from where it was left",
        "zone": f"{ZONE_HELP} (the drill's usual one, mostly the last)",
        "reason": "why you drill; asked for on production",
    }
)
def drill(
    _: Connection,
    name: str,
    zone: str = "",
    env: str = "",
    reason: str = "",
    dry_run: bool = False,
) -> None:
    """Break something in a fleet; report whether it holds."""
    fleet = catalog.fleet(env)
    world = World(fleet)
    with _in_words():
        chosen = [model.find(each) for each in (model.names() if name == ALL else [name])]
        # A crowd last: the groups that grew with it stay large for a quarter of an hour.
        chosen.sort(key=lambda each: (bool(each.ramp), each.spike_rate))
        if zone:
            world.must_have(zone)
        if dry_run:
            for each in chosen:
                _say(each, world, _zone(each, world, zone))
            return
        if fleet.environment == PRODUCTION:
            reason = leave_for_production(world, reason)
        if name == ALL:
            entries = _drill_all(chosen, world, zone, reason)
        else:
            entries = [_drill(chosen[0], world, _zone(chosen[0], world, zone), reason)]
    if any(each["verdict"] != "met" for each in entries):
        raise Exit(code=1)


@operation()
def recover(_: Connection, env: str = "", dry_run: bool = False) -> None:
    """Undo what an interrupted drill has left."""
    fleet = catalog.fleet(env)
    folder = _folder(fleet)
    left = journals.read(folder)
    if not left.file.exists():
        console.print("No drill has left anything to undo.")
        return
    console.print(f"The drill {left.drill} of {left.began} was interrupted.")
    if dry_run:
        for entry in reversed(left.done):
            console.print(f"would undo: {entry['text']}", markup=False)
        return
    with _in_words():
        for text in runner.recover(World(fleet), folder, lambda _line: None):
            console.print(f"undone: {text}", markup=False)


def _zone(chosen: Drill, world: World, asked: str) -> str:
    return asked or chosen.usual_zone(world.groups)


def _drill(chosen: Drill, world: World, zone: str, reason: str) -> dict[str, Any]:
    """Run one drill, write its report, and print its result."""
    fleet = world.fleet
    console.print(f"{chosen.name} in {zone}: {chosen.hypothesis}.", markup=False)
    release = world.version() or "none"
    shown = replace(chosen, fault=faults.announced(chosen.name, chosen.fault))
    with heartbeat(f"drill {chosen.name}"):
        result = runner.run(shown, world, Journal(_folder(fleet)), zone, _tell)
    entry = report.facts(result, fleet.name, fleet.region.clock_factor(), reason, release)
    page = report.write(entry, result, report.folder(fleet.name))
    for finding in result.findings:
        word = {True: "met", False: "MISSED", None: "not seen"}[finding.met]
        console.print(f"  {word:8} {finding.expected}: {finding.measured}", markup=False)
    for what in result.left:
        console.print(f"  LEFT     {what}", markup=False)
    console.print(f"  {result.machine}", markup=False)
    console.print(f"  report   {page}", markup=False)
    console.print(report.line(entry), markup=False)
    return entry | {"page": page.name}


def _drill_all(chosen: list[Drill], world: World, zone: str, reason: str) -> list[dict[str, Any]]:
    """Run the drills that this fleet has not been through; update the summary page after each."""
    kept = _folder(world.fleet) / "all.json"
    entries: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else []
    page = report.folder(world.fleet.name) / "all.html"
    for each in chosen:
        if each.name in {done["drill"] for done in entries}:
            console.print(f"{each.name}: done already ({kept} remembers)", markup=False)
            continue
        where = _zone(each, world, zone)
        try:
            entries.append(_drill(each, world, where, reason))
        except AirAwareError as error:
            if journals.read(_folder(world.fleet)).file.exists():
                raise  # what was not undone is for the operator to decide
            console.print(f"{each.name}: {error}", markup=False)
            entries.append(report.refused(each, where, str(error)))
        kept.write_text(json.dumps(entries))
        report.summary(entries, page)
    console.print(f"\nall in one page: {page}", markup=False)
    for entry in entries:
        console.print(report.line(entry), markup=False)
    kept.unlink()
    return entries


def _say(chosen: Drill, world: World, zone: str) -> None:
    console.print(f"{chosen.name}: {chosen.hypothesis}.", markup=False)
    for probe in chosen.steady_state:
        console.print(f"  would wait for: {probe.text}", markup=False)
    for change in chosen.fault(world, zone):
        after = " (and undo that)" if change.undo else ""
        console.print(f"  would {change.text}{after}", markup=False)
    if chosen.ramp:
        rates = ", ".join(f"{rate:g}" for rate in chosen.ramp)
        console.print(f"  would send {rates} more visitors a second, until some are answered badly")
        console.print(f"  would send {chosen.spike_times:g} times what is answered well")
    elif chosen.spike_rate:
        what = f" for {chosen.spike_path}" if chosen.spike_path else ""
        crowd = f"{chosen.spike_rate:g} more visitors a second{what}"
        console.print(f"  would send {crowd}", markup=False)
    seconds = f"{chosen.hold_seconds:g} s"
    for kind in chosen.attacks:
        console.print(f"  would send, for {seconds}: {kind}", markup=False)
    if not chosen.attacks:
        console.print(f"  would look on for {seconds}, or until its jobs have ended")


def leave_for_production(world: World, reason: str) -> str:
    """Ask the operator for leave, and return the reason.

    Raises:
        AirAwareError: The name or the reason is missing, or too little error budget is left.
    """
    left = probes.promql("", ERROR_BUDGET_LEFT).measure(world)
    if left is None or left < LEAST_BUDGET:
        known = "nobody can say" if left is None else f"{left:.0%}"
        raise AirAwareError(
            f"Of the error budget {known} is left; a drill on {PRODUCTION} needs {LEAST_BUDGET:.0%}"
        )
    try:
        said = console.input("Type the environment's name to break it: ", markup=False)
        reason = reason or console.input("Why? ", markup=False)
    except EOFError:
        raise AirAwareError("Nobody is there to answer. Nothing was changed") from None
    if said.strip() != world.fleet.name or not reason.strip():
        raise AirAwareError(
            "A drill needs the environment's name and a reason. Nothing was changed"
        )
    return reason.strip()


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn AWS's errors, and Ctrl-C, into one sentence."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise AirAwareError(f"AWS: {error}") from error
    except KeyboardInterrupt:
        raise AirAwareError("Stopped; what was done is undone") from None


def _tell(text: str) -> None:
    console.print(f"{datetime.now(UTC):%H:%M:%S} {text}", markup=False)


def _folder(fleet: Fleet) -> Path:
    return fleet.folder / "drills"
