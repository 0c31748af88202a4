"""`fab images`: build the machine image, list images, and delete old ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from fabric import Connection
from rich.table import Table

from airaware.errors import AirAwareError
from tools.environments import catalog
from tools.environments.fleet import Fleet
from tools.machine.steps import Step, carry_out, console
from tools.region import ami
from tools.tasks.operation import operation


@operation(
    help={
        "list": "show the images: age, size, commit, use",
        "prune": "delete those that are used by no launch template and no host, but for the newest",
    },
)
def images(
    _: Connection,
    list: bool = False,
    prune: bool = False,
    env: str = "",
    dry_run: bool = False,
) -> None:
    """Build the machine image if it is out of date."""
    fleet = catalog.fleet(env)
    if not fleet.region.is_up():
        raise AirAwareError(f"It is down: fab deploy --env {fleet.name}")
    if list:
        show(fleet)
    elif prune:
        carry_out(prune_steps(fleet), dry_run)
    else:
        carry_out(fleet.build_image(), dry_run)


def show(fleet: Fleet) -> None:
    """Print the environment's images."""
    environ = fleet.region.environ()
    found, used, now = ami.there(fleet.environment, environ), ami.uses(environ), datetime.now(UTC)
    newest = ami.newest(found)
    state = "current" if ami.is_current(newest, fleet.environment) else "out of date"
    table = Table("image", "name", "age", "GB", "commit", "used by", "state")
    for image in found:
        table.add_row(
            *(image.id, image.name, _age((now - image.built).total_seconds())),
            *(str(image.gigabytes), image.commit, used.of(image)),
            "rejected" if image.rejected else state if image == newest else "old",
        )
    console.print(table)


def prune_steps(fleet: Fleet) -> Iterator[Step]:
    """Yield what deletes the images that nothing uses."""
    environ = fleet.region.environ()
    found = ami.there(fleet.environment, environ)
    for image in ami.unused(found, ami.uses(environ)):
        yield Step(f"delete {image.name} ({image.id})", partial(ami.delete, image, environ))


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
