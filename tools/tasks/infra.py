"""Tasks that bring an environment up, show it, and take it down."""

import subprocess
from collections.abc import Iterable
from contextlib import nullcontext

from fabric import Connection
from invoke import Exit

from airaware.errors import AirAwareError
from tools.environments import catalog, overview
from tools.environments.fleet import Fleet
from tools.environments.local import Local, state_folder
from tools.fleet import hosts
from tools.machine import interrupts
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import Step, carry_out, console
from tools.machine.usage import Meter
from tools.region.terraform import Plan
from tools.tasks.operation import DRY_RUN_HELP, ENV_HELP, YES_HELP, operation

NEXT = """
What to try next:
  fab fetch-year 2013 --or-synthetic --env {env}   # EPA's files of a year, or made-up ones
  fab submit-year 2013 --env {env}                 # onto the site, by Spark
  fab drill zone-outage --env {env}                # lose a zone on purpose, and get it back
  fab destroy --env {env}                          # remove all of it"""


@operation(
    help={
        "env": ENV_HELP,
        "rollback": "return a fleet's hosts to the release before the last one",
        "images": "build a fleet's image if it is out of date, and start hosts from it (default);"
        " --no-images: start them from the distribution's",
        "yes": YES_HELP,
        "dry_run": DRY_RUN_HELP,
    }
)
def deploy(
    _: Connection,
    env: str = "",
    rollback: bool = False,
    images: bool = True,
    yes: bool = False,
    dry_run: bool = False,
) -> None:
    """Bring up the site of this checkout, or a whole fleet."""
    if rollback:
        carry_out(catalog.fleet(env).rollback(), dry_run)
        return
    place = catalog.find(env)
    if not isinstance(place, Fleet):
        if not (dry_run or place.is_up()):
            interrupts.started.callback(_carry_out_alone, place, place.stop(), dry_run=False)
        _carry_out_alone(place, place.deploy(), dry_run)
        return
    asks = place.region.costs_money and not yes
    meter = Meter(CHECKOUT, state_folder())
    try:
        agree = _agree_to_change if asks else lambda plan: None
        carry_out(place.deploy(agree, images), dry_run)
    finally:
        if not dry_run:
            console.print(str(meter.usage()), markup=False)
    if not dry_run:
        place.show()
        if not place.region.costs_money:
            console.print(NEXT.format(env=place.name), markup=False)


@operation(help={"env": ENV_HELP})
def plan(_: Connection, env: str = "") -> None:
    """Show what `deploy` would change in a fleet."""
    _show_plan(catalog.fleet(env).plan())


@operation(
    help={
        "host": "a host's name, instance id or address, as `fab status` has them (all hosts)",
        "noop": "only show what the agent would do",
        "env": ENV_HELP,
        "dry_run": DRY_RUN_HELP,
    }
)
def puppet(
    _: Connection, host: str = "", noop: bool = False, env: str = "", dry_run: bool = False
) -> None:
    """Run Puppet's agent on the hosts of a fleet now."""
    carry_out(catalog.fleet(env).puppet(host, noop), dry_run)


@operation(help={"env": ENV_HELP})
def status(_: Connection, env: str = "") -> None:
    """Show what runs, the site's address, and the years loaded."""
    place = catalog.find(env)
    if not isinstance(place, Fleet):
        overview.show(place)
        return
    place.show()
    if place.region.is_up():
        try:
            with place.reading() as zones:
                overview.show_data(place.raw_store(), zones)
        except AirAwareError as error:
            console.print(f"what is loaded cannot be told: {error}", markup=False)


@operation(
    help={
        "host": "a host's name, instance id or address, as `fab status` has them",
        "command": "what to run there (a shell)",
        "env": ENV_HELP,
    }
)
def ssh(_: Connection, host: str, command: str = "", env: str = "") -> None:
    """Open a shell on a host of a fleet, or run a command there."""
    place = catalog.fleet(env)
    found = hosts.find(place.hosts(), host)
    words = ["ssh", "-F", str(place.ssh_config()), found.name, *([command] if command else [])]
    if status := subprocess.run(words).returncode:
        raise Exit(code=status)


@operation(
    help={
        "host": "a host's name, instance id or address, as `fab status` has them",
        "env": ENV_HELP,
        "yes": YES_HELP,
        "dry_run": DRY_RUN_HELP,
    }
)
def replace(
    _: Connection, host: str, env: str = "", yes: bool = False, dry_run: bool = False
) -> None:
    """Make a host anew from the newest image; its data stay."""
    place = catalog.fleet(env)
    found = hosts.find(place.hosts(), host)
    asks = place.region.costs_money and not yes
    carry_out(place.replace(found, _agree_to_change if asks else lambda plan: None), dry_run)


@operation(help={"env": ENV_HELP, "dry_run": DRY_RUN_HELP})
def stop(_: Connection, env: str = "", dry_run: bool = False) -> None:
    """Stop the site and the databases; all data stay."""
    place = catalog.local(env)
    _carry_out_alone(place, place.stop(), dry_run)


@operation(help={"env": ENV_HELP, "yes": YES_HELP, "dry_run": DRY_RUN_HELP})
def destroy(_: Connection, env: str = "", yes: bool = False, dry_run: bool = False) -> None:
    """Stop all, and delete databases, raw files, hosts and logs."""
    place = catalog.find(env)
    if not (yes or dry_run) and place.folder.exists():
        _must_agree(f"Delete the environment {place.name} with all its data ({place.folder})?")
    if isinstance(place, Fleet):
        carry_out(place.destroy(), dry_run)
    else:
        _carry_out_alone(place, place.destroy(), dry_run)


def _carry_out_alone(place: Local, steps: Iterable[Step], dry_run: bool) -> None:
    """Carry the steps out while nobody else changes this machine's environment."""
    with nullcontext() if dry_run else place.alone():
        carry_out(steps, dry_run)


def _agree_to_change(plan: Plan) -> None:
    if plan.changes:
        _show_plan(plan)
        _must_agree("Change it so?")


def _show_plan(plan: Plan) -> None:
    for address, action in plan.changes.items():
        console.print(f"{action:8}{address}", markup=False)
    console.print(str(plan), markup=False)


def _must_agree(question: str) -> None:
    """Ask a person. Raises Exit unless the answer is yes."""
    try:
        answer = console.input(f"{question} [y/N] ", markup=False)
    except EOFError:
        raise Exit("Nobody is there to answer: use --yes. Nothing was changed.", code=1) from None
    if answer.strip().lower() not in ("y", "yes"):
        raise Exit("Nothing was changed.", code=1)
