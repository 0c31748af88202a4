"""The environments planned on the lab's API; the lab, multi, is deployed by tests/fleet."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.terraform.conftest import CHECKOUT
from tools.region import costs
from tools.region.terraform import Terraform

PLANS: dict[str, dict[str, Any]] = {}  # of production, by variant


def resources(content: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The planned values of all resources of a type."""
    return [
        change["change"]["after"]
        for change in content["resource_changes"]
        if change["type"] == kind and change["mode"] == "managed"
    ]


@pytest.mark.parametrize(
    ("environment", "variant"),
    [("lab", "single"), ("staging", "multi"), ("production", "multi"), ("production", "single")],
)
def test_an_environment_is_planned(
    place: Callable[..., Terraform], environment: str, variant: str
) -> None:
    single = variant == "single"
    terraform = place(environment, *(["single"] if single else []))
    plan = terraform.plan()

    assert set(plan.changes.values()) == {"create"}
    content = terraform.content(plan)
    if environment == "production":
        PLANS[variant] = content
    assert len(resources(content, "aws_lb")) == (0 if single else 1)
    assert len(resources(content, "aws_autoscaling_group")) == (0 if single else 2)
    roles = Counter(each["tags"]["Role"] for each in resources(content, "aws_instance"))
    assert roles["database"] == (1 if single else 2)
    assert roles["web"] == (1 if single else 0)

    ways_in = resources(content, "aws_vpc_security_group_ingress_rule")
    assert {
        (each["cidr_ipv4"], each["from_port"], each["to_port"])
        for each in ways_in
        if each["cidr_ipv4"]
    } == {("198.51.100.0/24", 8000, 8000) if single else ("0.0.0.0/0", 80, 80)}
    assert not [each for each in ways_in if each["from_port"] <= 22 <= each["to_port"]]

    for host in resources(content, "aws_instance"):
        assert host["metadata_options"][0]["http_tokens"] == "required"
        assert host["root_block_device"][0]["encrypted"]
        assert host["tags_all"] == host["tags"] | {
            "Project": "airaware",
            "Environment": environment,
        }
    for template in resources(content, "aws_launch_template"):
        assert template["metadata_options"][0]["http_tokens"] == "required"


def test_the_table_of_costs_is_that_of_the_plans() -> None:
    if PLANS.keys() != {"multi", "single"}:
        pytest.skip("production was not planned")
    assert costs.table(PLANS) in (CHECKOUT / "docs" / "cost.md").read_text()
    multi, single = (costs.total(costs.costs(PLANS[each], "after")) for each in PLANS)
    assert multi > single > 0
