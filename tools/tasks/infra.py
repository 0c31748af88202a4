"""Tasks that bring an environment up, show it, and take it down."""

import subprocess

from fabric import Connection
from invoke import Exit

from tools.environments import catalog
from tools.fleet import hosts
from tools.machine.steps import carry_out, console
from tools.region import costs
from tools.region.terraform import Plan
from tools.rollout import rollout
from tools.tasks.operation import operation


@operation(
    help={
        "rollback": "return a fleet's hosts to the release before the last one",
        "images": "build a fleet's image if it is out of date, and start hosts from it (default);"
        " --no-images: start them from the distribution's",
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
    agree = (lambda _plan: None) if yes else _agree_to_change
    catalog.find(env).bring_up(agree, images, dry_run)


@operation()
def plan(_: Connection, env: str = "") -> None:
    """Show what `deploy` would change, and its cost a month."""
    place = catalog.fleet(env)
    planned = place.plan()
    _show_plan(planned)
    console.print(costs.difference(place.terraform.content(planned)), markup=False)


@operation(
    help={
        "host": "a host's name, instance id or address, as `fab status` has them (all hosts)",
        "noop": "only show what the agent would do",
    }
)
def puppet(
    _: Connection, host: str = "", noop: bool = False, env: str = "", dry_run: bool = False
) -> None:
    """Run Puppet's agent on the hosts of a fleet now."""
    carry_out(catalog.fleet(env).puppet(host, noop), dry_run)


@operation()
def status(_: Connection, env: str = "") -> None:
    """Show what runs, the site's address, and the years loaded."""
    catalog.find(env).show_status()


@operation(
    help={
        "host": "a host's name, instance id or address, as `fab status` has them",
        "command": "what to run there (a shell)",
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
    }
)
def replace(
    _: Connection, host: str, env: str = "", yes: bool = False, dry_run: bool = False
) -> None:
    """Make a host anew from the newest image; its data stay."""
    place = catalog.fleet(env)
    found = hosts.find(place.hosts(), host)
    asks = place.region.costs_money and not yes
    carry_out(place.replace(found, _agree_to_change if asks else lambda _plan: None), dry_run)


@operation()
def resume_scaling(_: Connection, env: str = "", dry_run: bool = False) -> None:
    """Resume what a deployment that stopped left suspended."""
    place = catalog.fleet(env)
    steps = list(rollout.resume_steps(place.web_tier()))
    if not steps:
        console.print("No deployment has left processes suspended.")
    carry_out(steps, dry_run)


@operation()
def stop(_: Connection, env: str = "", dry_run: bool = False) -> None:
    """Stop the site and the databases; all data stay."""
    place = catalog.local(env)
    place.carry_out_alone(place.stop(), dry_run)


@operation()
def destroy(_: Connection, env: str = "", yes: bool = False, dry_run: bool = False) -> None:
    """Stop all, and delete databases, raw files, hosts and logs."""
    place = catalog.find(env)
    if not (yes or dry_run) and place.folder.exists():
        _must_agree(f"Delete the environment {place.name} with all its data ({place.folder})?")
    place.take_down(dry_run)


def _agree_to_change(plan: Plan) -> None:
    if plan.changes:
        _show_plan(plan)
        _must_agree("Change it so?")


def _show_plan(plan: Plan) -> None:
    for address, action in plan.changes.items():
        console.print(f"{action:8}{address}", markup=False)
    console.print(str(plan), markup=False)


def _must_agree(question: str) -> None:
    """Ask the operator.

    Raises:
        Exit: The answer is not yes.
    """
    try:
        answer = console.input(f"{question} [y/N] ", markup=False)
    except EOFError:
        raise Exit("Nobody is there to answer: use --yes. Nothing was changed.", code=1) from None
    if answer.strip().lower() not in ("y", "yes"):
        raise Exit("Nothing was changed.", code=1)
