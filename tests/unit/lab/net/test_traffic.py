"""How the lab's rules, plans and names follow from a region: nothing runs here."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from tools.lab import model
from tools.lab.net import balancer, firewall, forwards, names

ANYWHERE = IPv4Network("0.0.0.0/0")
GROUP = model.TargetGroup(
    "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/web/1",
    model.HealthCheck("/readyz", None, 5, 2, 2, 2, "200"),
    10,
    (
        model.Target("i-a", IPv4Address("10.0.1.1"), "us-west-2a", 8000),
        model.Target("i-b", IPv4Address("10.0.2.1"), "us-west-2b", 8000),
    ),
)


def interface(address: str, *groups: str) -> model.Interface:
    return model.Interface(IPv4Address(address), "subnet-a", frozenset(groups))


def node(zone: str, address: str) -> model.Node:
    return model.Node(zone, interface(address, "sg-1", "sg-2"))


BALANCER = model.Balancer(
    arn="arn:aws:elasticloadbalancing:us-west-2:1:loadbalancer/app/site/1",
    dns_name="site-1.elb.amazonaws.com",
    cross_zone=True,
    idle_timeout_seconds=60,
    nodes=(node("us-west-2a", "10.0.1.9"), node("us-west-2b", "10.0.2.9")),
    listeners=(model.Listener(80, GROUP.arn),),
)
REGION = model.Region(
    subnets={
        name: model.Subnet(name, f"us-west-2{name[-1]}", IPv4Network(network), ())
        for name, network in (("subnet-a", "10.0.1.0/24"), ("subnet-b", "10.0.2.0/24"))
    },
    groups={
        name: model.SecurityGroup(
            name, frozenset({model.Rule("tcp", (port, port), peer)}), frozenset()
        )
        for name, port, peer in (("sg-1", 80, ANYWHERE), ("sg-2", 8000, "sg-1"))
    },
    balancers=(BALANCER,),
    target_groups={GROUP.arn: GROUP},
)


def test_equal_regions_have_equal_rules_in_whatever_order_they_were_read() -> None:
    other = replace(
        REGION,
        subnets=dict(reversed(REGION.subnets.items())),
        groups=dict(reversed(REGION.groups.items())),
        balancers=(replace(BALANCER, nodes=BALANCER.nodes[::-1]),),
    )
    assert firewall.ruleset(other) == firewall.ruleset(REGION)
    assert firewall.ruleset(replace(REGION, groups={})) != firewall.ruleset(REGION)


def test_an_interface_whose_subnet_is_gone_has_no_rules() -> None:
    assert "10.0.1.9" in firewall.ruleset(REGION)
    assert "10.0.1.9" not in firewall.ruleset(replace(REGION, subnets={}))


def test_interfaces_with_the_same_groups_share_their_rules() -> None:
    assert firewall.ruleset(REGION).count("chain ingress_") == 1


def test_a_node_serves_all_targets_or_those_of_its_zone() -> None:
    def served(region: model.Region, by: model.Balancer) -> list[set[str]]:
        return [
            {t.instance_id for g in balancer.plan(region, by, n).groups for t in g.targets}
            for n in by.nodes
        ]

    assert served(REGION, BALANCER) == [{"i-a", "i-b"}, {"i-a", "i-b"}]
    assert served(REGION, replace(BALANCER, cross_zone=False)) == [{"i-a"}, {"i-b"}]


def test_targets_that_come_and_go_need_no_other_haproxy() -> None:
    fewer = replace(REGION, target_groups={GROUP.arn: replace(GROUP, targets=())})
    rechecked = replace(GROUP, check=replace(GROUP.check, interval_seconds=10, path="/healthz"))
    plans = [
        balancer.plan(region, BALANCER, BALANCER.nodes[0])
        for region in (REGION, fewer, replace(REGION, target_groups={GROUP.arn: rechecked}))
    ]
    assert plans[0].configuration == plans[1].configuration
    assert plans[0].configuration != plans[2].configuration


def test_a_listener_without_its_target_group_is_left_out() -> None:
    plan = balancer.plan(replace(REGION, target_groups={}), BALANCER, BALANCER.nodes[0])
    assert plan.port is None
    assert "bind" not in plan.configuration


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ([balancer.HEALTHY, balancer.FAILED], ["ready", "maint"]),
        ([balancer.FAILED, balancer.TIMEOUT], ["ready", "ready"]),
        ([balancer.FAILED, balancer.INITIAL], ["maint", "maint"]),
        ([balancer.FAILED, balancer.DRAINING], ["ready", "drain"]),
        ([balancer.HEALTHY, balancer.DRAINING], ["ready", "drain"]),
        ([balancer.DRAINING, balancer.DEREGISTERED], ["drain", "maint"]),
    ],
)
def test_who_gets_requests(health: list[balancer.TargetHealth], expected: list[str]) -> None:
    servers = [f"server-{number}" for number in range(len(health))]
    states = balancer.states(dict(zip(servers, health, strict=True)))
    assert [states[server] for server in servers] == expected


def test_a_private_name_may_have_several_addresses_and_any_case() -> None:
    first, second = IPv4Address("10.0.1.1"), IPv4Address("10.0.2.1")
    region = model.Region(records=(("DB.internal.", first), ("db.internal", second)))
    assert names.private(region) == {"db.internal": (first, second)}


def test_the_site_is_the_balancer_where_there_is_one() -> None:
    web = model.Instance(
        id="i-a",
        state="running",
        launch=1,
        zone="us-west-2a",
        interface=interface("10.0.1.1"),
        layer="",
        type="t3.micro",
        user_data=b"",
        public_key="",
        hostname="",
        tags=(("Role", "web"),),
        volumes=(),
    )
    single = replace(REGION, instances={"i-a": web}, balancers=())
    assert forwards.site(single, {}) == [("10.0.1.1", 8000)]
    stopped = replace(single, instances={"i-a": replace(web, state="stopped")})
    assert forwards.site(stopped, {}) == []
    in_service = {BALANCER.dns_name: (IPv4Address("10.0.2.9"),)}
    assert forwards.site(replace(single, balancers=(BALANCER,)), in_service) == [("10.0.2.9", 80)]
