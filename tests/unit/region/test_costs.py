"""What a plan's resources cost: so many of each times its price, with a word on unread prices."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fabric import Connection

from airaware.errors import AirAwareError
from tools.environments import catalog
from tools.machine import environ
from tools.region import costs
from tools.region.terraform import Plan
from tools.tasks import infra

PRICES = """
hours_a_month = 100
free = ["aws_vpc"]
[instance."t3.small"]
dollars_an_hour = 0.5
page = "https://aws.example/instances"
read = "2026-11-29"
[volume.gp3]
dollars_a_month = 0.1
page = "https://aws.example/disks"
read = "not read"
[other.nat_gateway]
dollars_an_hour = 0.25
page = "https://aws.example/network"
read = "2026-11-29"
[other.public_address]
dollars_an_hour = 0.01
page = "https://aws.example/network"
read = "2026-11-29"
[other.balancer]
dollars_an_hour = 0.2
page = "https://aws.example/balancer"
read = "2026-11-29"
"""


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices of this test's own."""
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    monkeypatch.setattr(costs, "_current", lambda: costs.prices(path))


def resource(kind: str, values: dict[str, Any], *, there: bool = False, module: str = "") -> Any:
    """A resource that a plan makes, or finds there and leaves as it is."""
    change = {"before": values if there else None, "after": values}
    return {"mode": "managed", "type": kind, "module_address": module, "change": change}


def host(role: str, *, there: bool = False) -> Any:
    disk = {"volume_type": "gp3", "volume_size": 20}
    values = {"instance_type": "t3.small", "tags": {"Role": role}, "root_block_device": [disk]}
    return resource("aws_instance", values, there=there)


def group(module: str, least: int) -> list[Any]:
    disk = {"volume_type": "gp3", "volume_size": 10}
    template = {
        "instance_type": "t3.small",
        "tags": {"Role": "web"},
        "block_device_mappings": [{"ebs": [disk]}],
    }
    return [
        resource("aws_launch_template", template, module=module),
        resource("aws_autoscaling_group", {"min_size": least}, module=module),
    ]


def plan(*resources: Any) -> dict[str, Any]:
    return {"resource_changes": list(resources)}


def counted(content: dict[str, Any], side: str = "after") -> dict[str, tuple[float, Any]]:
    return {c.what: (c.count, pytest.approx(c.dollars)) for c in costs.costs(content, side)}


@pytest.mark.usefixtures("known")
def test_hosts_and_their_disks_are_counted_by_role() -> None:
    content = plan(host("database"), host("database"), host("puppet"))
    assert counted(content) == {
        "database hosts, t3.small": (2, 100.0),
        "puppet hosts, t3.small": (1, 50.0),
        "root disks, gp3, GB": (60, 6.0),
    }


@pytest.mark.usefixtures("known")
def test_a_group_counts_with_its_least_size_by_its_own_template() -> None:
    content = plan(*group("web_tier a", 1), *group("web_tier b", 2))
    assert counted(content) == {
        "web hosts, t3.small": (3, 150.0),
        "root disks, gp3, GB": (30, 3.0),
    }


@pytest.mark.usefixtures("known")
def test_a_balancer_has_an_address_in_each_zone() -> None:
    subnets = [{"availability_zone": zone} for zone in ("us-west-2a", "us-west-2b", "us-west-2b")]
    content = plan(resource("aws_lb", {}), *(resource("aws_subnet", each) for each in subnets))
    found = {c.what: c.count for c in costs.costs(content, "after")}
    assert found["public IPv4 addresses"] == 2


@pytest.mark.usefixtures("known")
def test_one_more_database_costs_its_host_and_disk() -> None:
    content = plan(host("database", there=True), host("database"))
    assert costs.difference(content) == (
        "on AWS: +52.00 US dollars a month, from 52.00 to 104.00"
        " (not read: the prices of root disks, gp3, GB); docs/cost.md has what is not in it"
    )


@pytest.mark.usefixtures("known")
def test_one_less_of_something_saves_its_price() -> None:
    gone = resource("aws_nat_gateway", {}, there=True)
    gone["change"]["after"] = None
    assert costs.difference(plan(gone)).startswith("on AWS: -25.00 US dollars a month, from 25.00")


@pytest.mark.usefixtures("known")
def test_what_has_no_price_is_named() -> None:
    with pytest.raises(AirAwareError, match=r"no price of: other aws_nonsense; add it there"):
        costs.costs(plan(resource("aws_nonsense", {})), "after")


@pytest.mark.usefixtures("known")
def test_an_interface_endpoint_is_not_free() -> None:
    endpoint = resource("aws_vpc_endpoint", {"vpc_endpoint_type": "Interface"})
    with pytest.raises(AirAwareError, match="aws_vpc_endpoint"):
        costs.costs(plan(endpoint), "after")


@pytest.mark.usefixtures("known")
def test_the_table_marks_unread_prices() -> None:
    multi, single = plan(host("web"), host("web")), plan(host("web"))
    assert costs.table({"multi": multi, "single": single}) == (
        "| what | a month each | multi | | single | |\n"
        "|---|---|---|---|---|---|\n"
        "| root disks, gp3, GB | 0.10 † | 40 | 4.00 | 20 | 2.00 |\n"
        "| web hosts, t3.small | 50.00 | 2 | 100.00 | 1 | 50.00 |\n"
        "| **sum, US dollars** | | | **104.00** † | | **52.00** † |\n"
    )


@pytest.mark.usefixtures("known")
def test_fab_plan_prints_the_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = plan(host("database", there=True), host("database"))
    planned = Plan(Path(), {'module.host["database-c"].aws_instance.this': "create"}, {})
    fleet = SimpleNamespace(
        plan=lambda: planned, terraform=SimpleNamespace(content=lambda _of: content)
    )
    monkeypatch.setattr(environ, "allow_open_files", lambda: None)
    monkeypatch.setattr(catalog, "fleet", lambda _env: fleet)
    infra.plan(Connection("localhost"), env="production")
    printed = " ".join(capsys.readouterr().out.split())
    assert "create module.host" in printed
    assert "+52.00 US dollars a month, from 52.00 to 104.00" in printed


def test_every_price_says_where_it_stands_and_when_it_was_read() -> None:
    for price in costs.prices().values():
        assert price.dollars > 0
        assert price.page.startswith("https://aws.amazon.com/")
        assert price.read == costs.NOT_READ or len(price.read.split("-")) == 3
