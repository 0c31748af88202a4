"""Application load balancers: an HAProxy per node, in the node's own network namespace.

HAProxy checks the targets and carries the requests; which targets get some is decided here, as by
an ALB's control plane. Targets come, drain and go through HAProxy's socket, so that no connection
is lost on the way; another process takes over only where a listener or a check was changed.
"""

import logging
import threading
import time
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab import model
from tools.lab.net import haproxy, namespaces
from tools.lab.net.network import Network

TICK_SECONDS = 0.25
PAUSE_SECONDS = 1  # after a failure
PROBE_SECONDS = 2  # between two looks from the Internet side, and the limit of each
PROBES_UNTIL_OUT = 2

log = logging.getLogger(__name__)

Key = tuple[str, str, int]  # target group's ARN, instance's id, port


@dataclass(frozen=True)
class TargetHealth:
    """What DescribeTargetHealth says of a target: its state, and AWS's code for the reason."""

    state: str  # initial, healthy, unhealthy, draining, unused
    reason: str = ""
    description: str = ""


HEALTHY = TargetHealth("healthy")
REGISTERING = TargetHealth(
    "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
)
INITIAL = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
TIMEOUT = TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
FAILED = TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
DRAINING = TargetHealth(
    "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
)
DEREGISTERED = TargetHealth("unused", "Target.NotRegistered", "Target is not registered")
NOT_IN_USE = TargetHealth("unused", "Target.NotInUse", "Target group does not receive traffic")

# Of what the nodes say about one target, the first of these counts.
PRECEDENCE = ("healthy", "draining", "unhealthy", "initial", "unused")


@dataclass(frozen=True)
class Plan:
    """What one node is to do: HAProxy's configuration, and the target groups with its targets."""

    address: IPv4Address
    port: int | None  # of its first listener
    configuration: str
    groups: tuple[model.TargetGroup, ...]


def plan(region: model.Region, balancer: model.Balancer, node: model.Node) -> Plan:
    """Return a node's plan: without cross-zone balancing, only its own zone's targets."""
    listeners = [
        listener
        for listener in sorted(balancer.listeners, key=lambda listener: listener.port)
        if listener.target_group_arn in region.target_groups
    ]
    groups = []
    for arn in sorted({listener.target_group_arn for listener in listeners}):
        group = region.target_groups[arn]
        served = (t for t in group.targets if balancer.cross_zone or t.zone == node.zone)
        groups.append(replace(group, targets=tuple(served)))
    return Plan(
        node.interface.address,
        listeners[0].port if listeners else None,
        haproxy.configuration(balancer, node, listeners, tuple(groups)),
        tuple(groups),
    )


def states(health: dict[str, TargetHealth]) -> dict[str, str]:
    """Return what each server does: `ready` serves, `drain` ends what it has, `maint` nothing.

    Where every target is unhealthy, every one takes requests: an ALB fails open.
    """
    registered = {each.state for each in health.values()} - {"draining", "unused"}
    serving = "unhealthy" if registered == {"unhealthy"} else "healthy"
    does = {serving: "ready", "draining": "drain"}
    return {server: does.get(each.state, "maint") for server, each in health.items()}


def verdict(row: dict[str, str], known: TargetHealth) -> TargetHealth:
    """Return what HAProxy's checks have found of a server that they have counted up or down.

    While the next check is under way, HAProxy has no code of the one before: what is known stays.
    """
    if row["status"].startswith("UP"):
        return HEALTHY
    if "L7STS" in row["check_status"]:
        if row["check_code"] == "0":
            return known
        description = f"Health checks failed with these codes: [{row['check_code']}]"
        return TargetHealth("unhealthy", "Target.ResponseCodeMismatch", description)
    return TIMEOUT if "TOUT" in row["check_status"] else FAILED


class Node:
    """One node: the thread that minds its HAProxy, and the one that looks at it from outside."""

    def __init__(self, network: Network, namespace: str, files: Path, first: Plan) -> None:
        """Start its HAProxy with a first plan, and both threads."""
        self.plan = first
        self.health: dict[Key, TargetHealth] = {}
        self.reachable = False
        self._internet = network.internet
        self._haproxy = haproxy.HAProxy(network.name, namespace, files)
        self._registered: dict[Key, float] = {}  # when, monotonic
        self._passed: set[Key] = set()  # those that have been healthy since
        self._draining: dict[Key, float] = {}  # since when, monotonic
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=body, name=namespace, daemon=True)
            for body in (self._mind, self._probe)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads and HAProxy."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._haproxy.stop()

    def _mind(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                self._step(self.plan)
            except (OSError, AirAwareError) as error:
                log.warning("balancer node %s: %s", self.plan.address, error)
                self._stopping.wait(PAUSE_SECONDS)

    def _probe(self) -> None:
        """Whether a client on the Internet side gets a connection: process, ACL and groups."""
        failures = 0
        while not self._stopping.wait(PROBE_SECONDS):
            address, port = str(self.plan.address), self.plan.port
            if port is None:
                continue
            try:
                namespaces.connect(self._internet, address, port, PROBE_SECONDS).close()
                failures, self.reachable = 0, True
            except (OSError, AirAwareError):
                failures += 1
                self.reachable = self.reachable and failures < PROBES_UNTIL_OUT

    def _step(self, plan: Plan) -> None:
        """Bring HAProxy one step nearer to the plan, and note what it sees of the targets."""
        if not self._haproxy.runs(plan.configuration):
            self._haproxy.start(plan.configuration)
        rows = self._haproxy.rows()
        health: dict[Key, TargetHealth] = {}
        for group in plan.groups:
            health |= self._mind_group(group, rows)
        for backend, server in rows:  # what is left is in no plan
            self._remove(backend, server)
        for gone in self._registered.keys() - health.keys():
            self._forget(gone)
        self.health = health

    def _mind_group(self, group: model.TargetGroup, rows: haproxy.Rows) -> dict[Key, TargetHealth]:
        """Return the health of a group's targets, whose servers are taken out of `rows`."""
        carrier, checker = haproxy.backend(group.arn), haproxy.check_backend(group.arn)
        health: dict[Key, TargetHealth] = {}
        carrying: dict[str, tuple[dict[str, str], TargetHealth]] = {}
        for target in group.targets:
            key, server = (group.arn, target.instance_id, target.port), haproxy.server(target)
            row, check = rows.pop((carrier, server), None), rows.pop((checker, server), None)
            if target.draining:
                health[key] = self._drain(key, group, server, row)
            elif row is None or check is None:
                health[key] = self._register(key, group, target)
            else:
                health[key] = self._judge(key, group, server, check)
            if row is not None:
                carrying[server] = row, health[key]
        wanted = states({server: health for server, (_, health) in carrying.items()})
        for server, (row, _) in carrying.items():
            if _state(row) != wanted[server]:
                self._haproxy.send(f"set server {carrier}/{server} state {wanted[server]}")
        return health

    def _register(self, key: Key, group: model.TargetGroup, target: model.Target) -> TargetHealth:
        """Make HAProxy know a target. What another process knew of its health still holds."""
        server, check = haproxy.server(target), group.check
        carried = f"{haproxy.backend(group.arn)}/{server}"
        checked = f"{haproxy.check_backend(group.arn)}/{server}"
        port = f" port {check.port}" if check.port else ""
        orders = [
            f"add server {carried} {target.address}:{target.port}",
            f"add server {checked} {target.address}:{target.port} check{port}"
            f" inter {check.interval_seconds}s"
            f" rise {check.healthy_count} fall {check.unhealthy_count}",
            f"enable health {checked}",
            f"set server {checked} state ready",
        ]
        known = self.health.get(key, REGISTERING)
        if known.state == "healthy":
            orders.append(f"set server {carried} state ready")
        if known.state == "unhealthy":
            orders.append(f"set server {checked} health down")
        self._haproxy.send(*orders)
        self._registered.setdefault(key, time.monotonic())
        return known

    def _judge(
        self, key: Key, group: model.TargetGroup, server: str, row: dict[str, str]
    ) -> TargetHealth:
        """Return a target's health.

        A new one needs a single check that passes, as with an ALB; HAProxy, which would take it for
        well at first, decides from then on.
        """
        self._draining.pop(key, None)
        known = self.health.get(key, INITIAL)
        if key in self._passed:
            return verdict(row, known)
        if "L7OK" in row["check_status"]:
            self._haproxy.send(f"set server {haproxy.check_backend(group.arn)}/{server} health up")
            self._passed.add(key)
            return HEALTHY
        check = group.check
        patience_seconds = check.unhealthy_count * check.interval_seconds + check.timeout_seconds
        waited_seconds = time.monotonic() - self._registered[key]
        if waited_seconds < patience_seconds or row["status"].startswith("UP"):
            return INITIAL
        return verdict(row, known)

    def _drain(
        self, key: Key, group: model.TargetGroup, server: str, row: dict[str, str] | None
    ) -> TargetHealth:
        """Let a deregistered target end what it has, within the group's delay; then drop it."""
        if row is None:
            return DEREGISTERED
        since = self._draining.setdefault(key, time.monotonic())
        overdue = time.monotonic() - since > group.deregistration_delay_seconds
        if overdue or (_state(row) == "drain" and row["scur"] == "0"):
            self._remove(haproxy.backend(group.arn), server)
            self._remove(haproxy.check_backend(group.arn), server)
            return DEREGISTERED
        return DRAINING

    def _remove(self, backend: str, server: str) -> None:
        """Drop a server and what it still does.

        HAProxy does so once its sessions have ended: where it is there still at the next step, it
        is asked again.
        """
        name = f"{backend}/{server}"
        self._haproxy.send(
            f"set server {name} state maint",
            f"shutdown sessions server {name}",
            f"del server {name}",
        )

    def _forget(self, key: Key) -> None:
        self._registered.pop(key, None)
        self._draining.pop(key, None)
        self._passed.discard(key)


def _state(row: dict[str, str]) -> str:
    """Return the state that a server of a carrying backend was set to."""
    return {"MAINT": "maint", "DRAIN": "drain"}.get(row["status"], "ready")


class Balancers:
    """The nodes of every balancer; their files are in `folder`."""

    def __init__(self, network: Network, folder: Path) -> None:
        """Begin without a node."""
        self._network = network
        self._folder = folder
        self._region = model.Region()
        self.nodes: dict[tuple[str, IPv4Address], Node] = {}  # by balancer's ARN and address

    def apply(self, region: model.Region) -> None:
        """Give each node its plan. Nodes follow in threads of their own, within a second."""
        plans = {
            (balancer.arn, node.interface.address): plan(region, balancer, node)
            for balancer in region.balancers
            for node in balancer.nodes
        }
        for gone in self.nodes.keys() - plans.keys():
            self.nodes.pop(gone).stop()
        for key, each in plans.items():
            if key in self.nodes:
                self.nodes[key].plan = each
            else:
                namespace = self._network.node(each.address)
                files = self._folder / namespace
                self.nodes[key] = Node(self._network, namespace, files, each)
        self._region = region

    def health(self) -> dict[Key, TargetHealth]:
        """Of every target: one is healthy where any node says so."""
        said: dict[Key, list[TargetHealth]] = {}
        for node in self.nodes.values():
            for key, health in node.health.items():
                said.setdefault(key, []).append(health)
        in_use = {
            listener.target_group_arn
            for balancer in self._region.balancers
            for listener in balancer.listeners
        }
        answer = {}
        for group in self._region.target_groups.values():
            silence = REGISTERING if group.arn in in_use else NOT_IN_USE
            for target in group.targets:
                key = (group.arn, target.instance_id, target.port)
                answer[key] = min(
                    said.get(key, [DEREGISTERED if target.draining else silence]),
                    key=lambda health: PRECEDENCE.index(health.state),
                )
        return answer

    def in_service(self) -> dict[str, tuple[IPv4Address, ...]]:
        """Return the nodes that clients should use, by the balancer's DNS name.

        Those that can be reached from the Internet side and have a healthy target; where there is
        none, all, as with an ALB.
        """
        answer = {}
        for balancer in self._region.balancers:
            nodes = [self.nodes[balancer.arn, node.interface.address] for node in balancer.nodes]
            well = [node for node in nodes if node.reachable and HEALTHY in node.health.values()]
            answer[balancer.dns_name] = tuple(node.plan.address for node in well or nodes)
        return answer

    def stop(self) -> None:
        """End all of it."""
        for node in self.nodes.values():
            node.stop()
        self.nodes = {}
