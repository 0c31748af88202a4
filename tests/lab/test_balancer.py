"""Load balancers over two zones: real HAProxy nodes, targets that fail, drain and come back."""

import http.client
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from deadline import until
from plainlab import (
    EVERYWHERE,
    PlainLab,
    Web,
    get,
    group,
    instance,
    plain_lab,
    subnet,
    tcp,
    webs,
)

from tools.lab import model
from tools.lab.net import namespaces
from tools.lab.net.balancer import DEREGISTERED, DRAINING, Balancers, Key, TargetHealth
from tools.lab.net.haproxy import METRICS_PORT
from tools.lab.net.network import VISITORS

NODE_A, NODE_B = "10.78.0.5", "10.78.2.5"
WEB_A, WEB_A2, WEB_B = "10.78.1.10", "10.78.1.11", "10.78.3.10"
NAME = "site-1.us-west-2.elb.amazonaws.com"
BALANCER_ARN = "arn:aws:elasticloadbalancing:us-west-2:1:loadbalancer/app/site/1"
GROUP_ARN = "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/web/1"
CHECK = model.HealthCheck("/readyz", None, 1, 1, 2, 2, "200-299")
INSTANCES = {
    each.id: each
    for each in (
        instance("web-a", WEB_A, "private-a", "sg-web"),
        instance("web-a2", WEB_A2, "private-a", "sg-web"),
        instance("web-b", WEB_B, "private-b", "sg-web"),
    )
}
REGION = model.Region(
    subnets={
        each.id: each
        for each in (
            subnet("public-a", "10.78.0.0/24"),
            subnet("private-a", "10.78.1.0/24"),
            subnet("public-b", "10.78.2.0/24"),
            subnet("private-b", "10.78.3.0/24"),
        )
    },
    groups={
        "sg-lb": group("sg-lb", (tcp(80, EVERYWHERE),), (tcp(8000, "sg-web"),)),
        "sg-web": group("sg-web", (tcp(8000, "sg-lb"),)),
    },
    instances=INSTANCES,
    balancers=(
        model.Balancer(
            BALANCER_ARN,
            NAME,
            cross_zone=True,
            idle_timeout_seconds=60,
            nodes=tuple(
                model.Node(
                    f"us-west-2{zone}",
                    model.Interface(IPv4Address(address), f"public-{zone}", frozenset({"sg-lb"})),
                )
                for zone, address in (("a", NODE_A), ("b", NODE_B))
            ),
            listeners=(model.Listener(80, GROUP_ARN),),
        ),
    ),
)


def key(name: str) -> Key:
    return GROUP_ARN, name, 8000


@dataclass
class Site:
    """The lab with its balancers, and a web server in each instance."""

    lab: PlainLab
    balancers: Balancers
    webs: dict[str, Web]
    region: model.Region = REGION

    def set_targets(
        self, *names: str, draining: tuple[str, ...] = (), check: model.HealthCheck = CHECK
    ) -> None:
        """Register these instances, and deregister those that drain."""
        targets = tuple(
            model.Target(
                name,
                INSTANCES[name].interface.address,
                INSTANCES[name].zone,
                8000,
                name in draining,
            )
            for name in (*names, *draining)
        )
        group = model.TargetGroup(GROUP_ARN, check, 3, targets)
        self.apply(replace(self.region, target_groups={GROUP_ARN: group}))

    def apply(self, region: model.Region) -> None:
        """Bring everything in step with the region."""
        self.region = region
        self.lab.apply(region)
        self.balancers.apply(region)

    def state(self, name: str) -> str:
        """A target's health."""
        return self.balancers.health()[key(name)].state

    def await_state(self, state: str, *names: str) -> None:
        """Wait until every node that serves these targets finds them in that state."""
        keys = [key(name) for name in names]
        until(
            lambda: (
                {h.state for seen in self.seen() for k, h in seen.items() if k in keys} == {state}
            ),
            10,
        )

    def seen(self) -> list[dict[Key, TargetHealth]]:
        """What each node finds."""
        return [node.health for node in self.balancers.nodes.values()]

    def await_nodes(self, *addresses: str) -> None:
        """Wait until the balancer's name stands for these nodes."""
        wanted = tuple(IPv4Address(address) for address in addresses)
        until(lambda: self.balancers.in_service()[NAME] == wanted, 15)

    def get(self, node: str = NODE_A, path: str = "/", seconds: float = 5) -> tuple[int, str]:
        """A client's answer from one node."""
        return get(self.lab.internet, node, path, seconds=seconds)


@pytest.fixture(scope="module")
def running(
    able: None,  # noqa: ARG001 (it has to be there)
) -> Iterator[Site]:
    """One for all tests: each sets the targets that it needs."""
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder, plain_lab() as lab:
        lab.apply(REGION)
        balancers = Balancers(lab.network, Path(folder))
        try:
            with webs(lab, *INSTANCES) as running:
                yield Site(lab, balancers, running)
        finally:
            balancers.stop()


@pytest.fixture
def site(running: Site) -> Site:
    """Without targets, and with servers that are well."""
    for web in running.webs.values():
        web.ready = 200
    running.region = REGION
    running.set_targets()
    until(lambda: running.seen() == [{}, {}])
    return running


def test_each_node_spreads_over_the_zones_and_tells_the_target_who_asks(site: Site) -> None:
    site.set_targets("web-a", "web-b")
    site.await_state("healthy", "web-a", "web-b")
    for node in (NODE_A, NODE_B):
        assert Counter(site.get(node)[1] for _ in range(10)) == {"web-a": 5, "web-b": 5}
    assert IPv4Address(site.webs["web-b"].headers["x-forwarded-for"]) in VISITORS
    assert site.webs["web-b"].headers["x-forwarded-proto"] == "http"
    assert site.webs["web-b"].headers["x-forwarded-port"] == "80"
    site.await_nodes(NODE_A, NODE_B)


def test_each_node_tells_prometheus_of_its_answers(site: Site) -> None:
    site.set_targets("web-a")
    site.await_state("healthy", "web-a")
    assert site.get(NODE_A)[0] == 200
    status, told = get(site.lab.router, NODE_A, "/metrics", port=METRICS_PORT)
    assert status == 200
    series = 'haproxy_frontend_http_responses_total{proxy="listener-80",code="2xx"} '
    assert float(told.split(series)[1].split()[0]) >= 1


def test_without_cross_zone_a_node_serves_its_own_zone(site: Site) -> None:
    own = replace(site.region.balancers[0], cross_zone=False)
    site.region = replace(site.region, balancers=(own,))
    site.set_targets("web-a", "web-b")
    site.await_state("healthy", "web-a", "web-b")
    for node, name in ((NODE_A, "web-a"), (NODE_B, "web-b")):
        assert [site.get(node)[1] for _ in range(3)] == [name] * 3


def test_a_new_target_is_initial_until_one_check_passes_and_gets_nothing_before(site: Site) -> None:
    site.webs["web-a2"].ready = 503
    site.set_targets("web-a", "web-a2")
    site.await_state("healthy", "web-a")
    assert site.state("web-a2") == "initial"
    assert {site.get()[1] for _ in range(6)} == {"web-a"}
    site.await_state("unhealthy", "web-a2")
    why = site.balancers.health()[key("web-a2")]
    assert why.reason == "Target.ResponseCodeMismatch"
    assert "503" in why.description
    site.webs["web-a2"].ready = 204
    site.await_state("healthy", "web-a2")


def test_where_all_targets_are_unhealthy_all_get_requests_and_without_any_it_is_503(
    site: Site,
) -> None:
    assert site.get()[0] == 503
    site.set_targets("web-a")
    site.await_state("healthy", "web-a")
    site.webs["web-a"].ready = 500
    site.await_state("unhealthy", "web-a")
    until(lambda: site.get() == (200, "web-a"))


def test_a_dead_target_costs_502_until_its_checks_fail_and_is_never_asked_again_elsewhere(
    site: Site,
) -> None:
    patient = replace(CHECK, interval_seconds=2)
    site.set_targets("web-a", "web-b", check=patient)
    site.await_state("healthy", "web-a", "web-b")
    site.webs["web-a"].stop()
    try:
        assert Counter(site.get()[0] for _ in range(4)) == {200: 2, 502: 2}
        site.await_state("unhealthy", "web-a")
        assert site.balancers.health()[key("web-a")].reason == "Target.FailedHealthChecks"
        until(lambda: {site.get()[0] for _ in range(4)} == {200})
    finally:
        site.webs["web-a"] = Web(site.lab.namespace("web-a"), "web-a")


def test_a_request_that_its_target_breaks_off_is_502_and_is_not_sent_to_another(
    site: Site,
) -> None:
    site.set_targets("web-a", "web-b")
    site.await_state("healthy", "web-a", "web-b")
    before = sum(web.requests for web in site.webs.values())
    assert [site.get(path="/break-off")[0] for _ in range(4)] == [502] * 4
    assert sum(web.requests for web in site.webs.values()) == before + 4


def test_a_target_drains_without_a_failed_request_and_ends_what_it_has(site: Site) -> None:
    site.set_targets("web-a", "web-b")
    site.await_state("healthy", "web-a", "web-b")
    with load(site) as answers:
        until(lambda: {name for _, name in answers} == {"web-a", "web-b"})
        slow: list[tuple[int, str]] = []
        askers = [
            threading.Thread(target=lambda: slow.append(site.get(path="/slow"))) for _ in range(2)
        ]
        asked = sum(site.webs[name].requests for name in ("web-a", "web-b"))
        for asker in askers:
            asker.start()
        until(lambda: sum(site.webs[n].requests for n in ("web-a", "web-b")) > asked + 20)
        site.set_targets("web-b", draining=("web-a",))
        until(lambda: site.balancers.health()[key("web-a")] == DRAINING)
        for asker in askers:
            asker.join()
        until(lambda: site.balancers.health()[key("web-a")] == DEREGISTERED)
        site.set_targets("web-b")
        answers.clear()
        until(lambda: len(answers) > 50)
        assert {name for _, name in answers} == {"web-b"}
    assert {status for status, _ in slow} == {200}


def test_what_a_draining_target_has_not_ended_in_time_is_broken_off(site: Site) -> None:
    site.set_targets("web-a")
    site.await_state("healthy", "web-a")
    hurried = replace(site.region.target_groups[GROUP_ARN], deregistration_delay_seconds=0)
    answer: list[int] = []
    asker = threading.Thread(target=lambda: answer.append(site.get(path="/slow")[0]))
    asked = site.webs["web-a"].requests
    asker.start()
    until(lambda: site.webs["web-a"].requests > asked)
    draining = tuple(replace(target, draining=True) for target in hurried.targets)
    site.apply(replace(site.region, target_groups={GROUP_ARN: replace(hurried, targets=draining)}))
    asker.join()
    assert answer[0] in (502, 503)


def test_another_check_loses_no_connection_and_no_health(site: Site) -> None:
    site.set_targets("web-a", "web-b")
    site.await_state("healthy", "web-a", "web-b")
    with load(site) as answers:
        until(lambda: len(answers) > 20)
        site.set_targets("web-a", "web-b", check=replace(CHECK, unhealthy_count=3))
        for _ in range(20):
            assert site.state("web-a") == "healthy"
            here = len(answers)
            until(lambda here=here: len(answers) > here)


def test_a_zone_behind_a_deny_all_acl_is_out_and_comes_back(site: Site) -> None:
    site.set_targets("web-a", "web-b")
    site.await_state("healthy", "web-a", "web-b")
    site.await_nodes(NODE_A, NODE_B)
    open_region = site.region
    shut = {
        name: replace(each, acl=()) if name.endswith("-a") else each
        for name, each in open_region.subnets.items()
    }
    site.apply(replace(open_region, subnets=shut))
    with ThreadPoolExecutor(2) as pool:
        # The checks have not failed yet: one of two is sent into the zone, and has no answer.
        asked = [pool.submit(site.get, NODE_B, "/", 15) for _ in range(2)]
        assert {answer.result()[0] for answer in asked} == {200, 504}
    site.await_nodes(NODE_B)
    site.await_state("unhealthy", "web-a")
    assert site.balancers.health()[key("web-a")].reason == "Target.Timeout"
    until(lambda: [site.get(NODE_B) for _ in range(4)] == [(200, "web-b")] * 4)
    site.apply(open_region)
    site.await_nodes(NODE_A, NODE_B)
    site.await_state("healthy", "web-a")


def test_a_node_whose_haproxy_dies_gets_another(site: Site) -> None:
    site.set_targets("web-a")
    site.await_state("healthy", "web-a")
    site.await_nodes(NODE_A, NODE_B)
    node = site.balancers.nodes[BALANCER_ARN, IPv4Address(NODE_A)]
    process = node._haproxy._process
    assert process
    process.kill()
    # Look as soon as it is dead: it is not for long.
    process.wait()
    until(lambda: refused(site))
    until(lambda: not refused(site) and site.get() == (200, "web-a"))


def refused(site: Site) -> bool:
    """Whether nothing listens at the node."""
    try:
        namespaces.connect(site.lab.internet, NODE_A, 80, 1).close()
    except ConnectionRefusedError:
        return True
    return False


@contextmanager
def load(site: Site) -> Iterator[list[tuple[int, str]]]:
    """Two clients that keep their connections and ask on and on; every answer must be a 200."""
    answers: list[tuple[int, str]] = []
    failures: list[object] = []
    ended = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection(NODE_A, 80)
        try:
            while not ended.wait(0.01):
                if connection.sock is None:
                    connection.sock = namespaces.connect(site.lab.internet, NODE_A, 80, 5)
                connection.request("GET", "/")
                response = connection.getresponse()
                answers.append((response.status, response.read().decode()))
                if response.status != 200:
                    failures.append(answers[-1])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        ended.set()
        for client in clients:
            client.join()
    assert failures == []
