"""Faults: what is to be done to a fleet so that a zone, a host or a service fails, as changes.

Each function looks at the world and changes nothing.
"""

from collections.abc import Callable

from airaware.errors import AirAwareError
from tools.drill.acts import Call, Change
from tools.drill.world import World
from tools.hosts import Host

Fault = Callable[[World, str], list[Change]]  # of a world and a zone

# What a group without its balancer's targets would otherwise do: launch others, give its hosts back
# to the balancer, and take those that get no checks for sick.
RESTING = ("Launch", "AddToLoadBalancer", "HealthCheck", "ReplaceUnhealthy")
SITE_PORT = 8000
DATABASE_PORT = 5432
# By name: the unit that stands for all of them takes itself for started already.
START_CLUSTERS = """
for cluster in /etc/postgresql/*/*/; do
    systemctl start "postgresql@$(basename "$(dirname "$cluster")")-$(basename "$cluster")"
done
"""


def announced(drill: str, fault: Fault) -> Fault:
    """A drill's fault, shown in the dashboards for as long as it is there."""
    told = Change(
        "tell Prometheus of the drill",
        Call("tell_prometheus", {"drill": drill, "running": 1}),
        Call("tell_prometheus", {"drill": drill, "running": 0}),
    )
    return lambda world, zone: [told, *fault(world, zone)]


def detach(world: World, zone: str) -> list[Change]:
    """The balancer gives the zone no more requests, and lets it end those that it has."""
    return [
        _rest(world, zone, RESTING),
        Change(
            f"take the web hosts of {zone} from the balancer",
            Call("deregister", {"zone": zone}),
            Call("register", {"zone": zone}),
        ),
    ]


def deny_network(world: World, zone: str) -> list[Change]:
    """No packet passes into the zone's subnets or out of them."""
    subnets, acls = world.subnets(zone), world.acls()
    return [
        Change(
            "make a network ACL that denies all",
            Call("make_denying_acl", {"vpc_id": next(iter(subnets.values()))}),
            Call("delete_denying_acls"),
        ),
        *(
            Change(
                f"put {subnet} of {zone} under it",
                Call("deny_subnet", {"subnet_id": subnet}),
                Call("put_under_acl", {"subnet_id": subnet, "acl_id": acls[subnet][0]}),
            )
            for subnet in subnets
        ),
    ]


def cut_power(world: World, zone: str) -> list[Change]:
    """All hosts of the zone stop, and its group can launch none."""
    ids = [h.instance_id for h in world.hosts() if h.zone == zone and h.state == "running"]
    return [
        _rest(world, zone, ("Launch",)),
        Change(
            f"stop the {len(ids)} hosts of {zone}",
            Call("stop_instances", {"instance_ids": ids}),
            Call("start_instances", {"instance_ids": ids}),
        ),
    ]


def kill_web_host(world: World, zone: str) -> list[Change]:
    """A web host of the zone is terminated; its group has to replace it."""
    host = _one(world.web_hosts(zone), f"web host in {zone}")
    return [Change(f"terminate {host.name}", Call("terminate", {"instance_id": host.instance_id}))]


def hang_web_host(world: World, zone: str) -> list[Change]:
    """The site on a web host of the zone takes connections, and answers nothing."""
    host = _one(world.web_hosts(zone), f"web host in {zone}")
    return [
        Change(
            f"send SIGSTOP to what listens on port {SITE_PORT} of {host.name}",
            _on(host, _signal_listeners("STOP")),
            _on(host, _signal_listeners("CONT")),
        )
    ]


def kill_database(world: World, zone: str) -> list[Change]:
    """The zone's database is killed and does not come back by itself: connections are refused."""
    host = _one(_databases(world, zone), f"database in {zone}")
    units = "'postgresql@*.service'"
    return [
        Change(
            f"kill PostgreSQL on {host.name}",
            _on(host, f"systemctl kill --signal=KILL {units}; systemctl stop {units}"),
            _on(host, START_CLUSTERS),
        )
    ]


def silence_database(world: World, zone: str) -> list[Change]:
    """All that the zone's database sends is dropped: connections hang."""
    host = _one(_databases(world, zone), f"database in {zone}")
    rule = f"pref 5 ipproto tcp sport {DATABASE_PORT} blackhole"
    return [
        Change(
            f"drop all packets from port {DATABASE_PORT} of {host.name}",
            _on(host, f"ip rule add {rule}"),
            _on(host, f"while ip rule del {rule} 2>/dev/null; do :; done"),
        )
    ]


def grow_without_puppet(world: World, zone: str) -> list[Change]:
    """Puppet's master is gone while the zone's group needs another web host."""
    masters = [h for h in world.hosts() if (h.role, h.state) == ("puppet", "running")]
    master, group = _one(masters, "Puppet master"), world.groups[zone]
    size = world.group_of(zone)["DesiredCapacity"]
    return [
        Change(
            f"stop {master.name}",
            Call("stop_instances", {"instance_ids": [master.instance_id]}),
            Call("start_instances", {"instance_ids": [master.instance_id]}),
        ),
        Change(
            f"make {group} one larger",
            Call("set_size", {"group": group, "size": size + 1}),
            Call("set_size", {"group": group, "size": size}),
        ),
    ]


def _databases(world: World, zone: str) -> list[Host]:
    return [h for h in world.hosts() if (h.role, h.zone, h.state) == ("database", zone, "running")]


def _rest(world: World, zone: str, processes: tuple[str, ...]) -> Change:
    """Suspend them in the zone's group; undone, those that were suspended before stay so."""
    group = world.groups[zone]
    new = sorted(set(processes) - world.suspended(zone))
    return Change(
        f"suspend {', '.join(processes)} in {group}",
        Call("suspend", {"group": group, "processes": list(processes)}),
        Call("resume", {"group": group, "processes": new}),
    )


def _one(found: list[Host], what: str) -> Host:
    if not found:
        raise AirAwareError(f"There is no {what} that runs: nothing to drill")
    return found[0]


def _on(host: Host, command: str) -> Call:
    return Call("run_on_host", {"instance_id": host.instance_id, "command": command})


def _signal_listeners(signal: str) -> str:
    """A command for whoever serves the site there."""
    sockets = f"ss --listening --tcp --numeric --processes 'sport = :{SITE_PORT}'"
    pids = f"$({sockets} | grep --only-matching 'pid=[0-9]*' | cut --delimiter== --fields=2)"
    return f'set -eu; pids={pids}; test -n "$pids"; kill -{signal} $pids'
