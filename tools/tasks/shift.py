"""Tasks for a zone in trouble: take it out of the site, and put it back."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from fabric import Connection

from airaware.errors import AirAwareError
from tools.drill import actions, faults
from tools.drill.world import World
from tools.environments import catalog
from tools.fleet.web_tier import Reason
from tools.machine.steps import Step, carry_out, console
from tools.region import clients
from tools.tasks.operation import operation

ONCE = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})
OUT_SECONDS = 60
BACK_SECONDS = 180
POLL_SECONDS = 1
SHIFT_HOURS = 12  # a zonal shift ends by itself
ZONE_HELP = "the availability zone: us-west-2b"


@operation(help={"zone": ZONE_HELP})
def shift_away(_: Connection, zone: str, env: str = "", dry_run: bool = False) -> None:
    """Take a zone's web hosts out of the site, drained."""
    carry_out(away(World(catalog.fleet(env)), zone), dry_run)


@operation(help={"zone": ZONE_HELP})
def shift_back(_: Connection, zone: str, env: str = "", dry_run: bool = False) -> None:
    """Put a zone back into the site after `shift-away`."""
    carry_out(back(World(catalog.fleet(env)), zone), dry_run)


def away(world: World, zone: str) -> Iterator[Step]:
    """Yield what takes the zone out of the site.

    Raises:
        AirAwareError: No healthy web host outside of the zone could carry the site.
    """
    world.must_have(zone)
    healthy = world.sample().healthy
    if not sum(count for other, count in healthy.items() if other != zone):
        raise AirAwareError(f"No web host outside {zone} is healthy: the site would be down")
    yield Step(f"shift the load balancer away from {zone}", lambda: _shift_zone(world, zone))
    for change in faults.detach(world, zone, Reason.SHIFT):
        yield Step(change.text, partial(change.do, world))
    yield Step("wait until its last requests are answered", lambda: _await_out(world, zone))


def back(world: World, zone: str) -> Iterator[Step]:
    """Yield what puts the zone back, and waits until it serves."""
    world.must_have(zone)
    yield Step(
        f"register the web hosts of {zone} with the load balancer",
        lambda: actions.register(world, zone),
    )
    yield Step(
        f"resume what the shift has suspended in {world.groups[zone]}",
        lambda: world.web_tier.resume(zone, Reason.SHIFT),
    )
    yield Step(f"wait until a web host of {zone} is healthy", lambda: _await_back(world, zone))
    yield Step("end the load balancer's shift", lambda: _end_zone_shift(world))


def _shift_zone(world: World, zone: str) -> None:
    """Have AWS's DNS return only the addresses of the other zones' load balancer nodes.

    The lab has no zonal shifts: there, the zone's node goes on, with targets in other zones.
    """
    try:
        zones = world.client("ec2").describe_availability_zones(ZoneNames=[zone])
        _zonal_shifts(world).start_zonal_shift(
            resourceIdentifier=world.balancer,
            awayFrom=zones["AvailabilityZones"][0]["ZoneId"],
            expiresIn=f"{SHIFT_HOURS}h",
            comment="fab shift-away",
        )
    except (BotoCoreError, ClientError) as error:
        console.print(
            f"AWS's zonal shift was not started; the other steps go on: {error}", markup=False
        )


def _end_zone_shift(world: World) -> None:
    shifts = _zonal_shifts(world)
    try:
        for shift in shifts.list_zonal_shifts(
            status="ACTIVE", resourceIdentifier=world.balancer
        ).get("items", []):
            shifts.cancel_zonal_shift(zonalShiftId=shift["zonalShiftId"])
    except (BotoCoreError, ClientError) as error:
        console.print(f"no zonal shift was ended: {error}", markup=False)


def _zonal_shifts(world: World) -> Any:
    """Return a client that gives up soon, as it holds up the rest."""
    return clients.client("arc-zonal-shift", world.fleet.region.environ(), ONCE)


def _await_out(world: World, zone: str) -> None:
    deadline = time.monotonic() + OUT_SECONDS
    while (
        ids := {h.instance_id for h in world.web_hosts(zone)}
        & world.web_tier.target_states().keys()
    ):
        if time.monotonic() > deadline:
            raise AirAwareError(
                f"Still behind the load balancer after {OUT_SECONDS} s: {', '.join(ids)}"
            )
        time.sleep(POLL_SECONDS)


def _await_back(world: World, zone: str) -> None:
    deadline = time.monotonic() + BACK_SECONDS
    while not world.sample().healthy[zone]:
        if time.monotonic() > deadline:
            raise AirAwareError(
                f"No web host of {zone} is healthy after {BACK_SECONDS} s: see fab status"
            )
        time.sleep(POLL_SECONDS)
