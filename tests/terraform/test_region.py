"""All environments and both variants planned, and the lab's applied, against plain moto."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tools.terraform import Plan, Terraform

# What moto keeps otherwise than AWS, so that plain moto's next plan is not empty. tools/lab fills
# these gaps; where moto learns one by itself, this test says so.
DRIFT_OF_MOTO = {
    "aws_route53_zone",  # a private zone becomes public
    "aws_vpc_dhcp_options",  # tags at creation are lost
    "aws_autoscaling_group",  # follows its launch template
    "aws_autoscaling_policy",  # whether it is on is not told
    "aws_launch_template",  # its own tags are taken for its instances'
    "aws_vpc_security_group_egress_rule",  # a group as the peer loses the rule's description
    "aws_vpc_security_group_ingress_rule",
}


def resources(plan: Plan, kind: str) -> list[dict[str, Any]]:
    """The planned values of all resources of a type."""
    return [
        change["change"]["after"]
        for change in plan.json["resource_changes"]
        if change["type"] == kind and change["mode"] == "managed"
    ]


@pytest.mark.parametrize("variant", ["multi", "single"])
@pytest.mark.parametrize("environment", ["lab", "staging", "production"])
def test_an_environment_is_planned(
    place: Callable[..., Terraform], environment: str, variant: str
) -> None:
    single = variant == "single"
    plan = place(environment, *(["single"] if single else [])).plan()

    assert set(plan.changes.values()) == {"create"}
    assert len(resources(plan, "aws_lb")) == (0 if single else 1)
    assert len(resources(plan, "aws_autoscaling_group")) == (0 if single else 2)
    roles = Counter(each["tags"]["Role"] for each in resources(plan, "aws_instance"))
    assert roles["database"] == (1 if single else 2)
    assert roles["web"] == (1 if single else 0)

    ways_in = resources(plan, "aws_vpc_security_group_ingress_rule")
    assert {
        (each["cidr_ipv4"], each["from_port"], each["to_port"])
        for each in ways_in
        if each["cidr_ipv4"]
    } == {("198.51.100.0/24", 8000, 8000) if single else ("0.0.0.0/0", 80, 80)}
    assert not [each for each in ways_in if each["from_port"] <= 22 <= each["to_port"]]

    for host in resources(plan, "aws_instance"):
        assert host["metadata_options"][0]["http_tokens"] == "required"
        assert host["root_block_device"][0]["encrypted"]
        assert host["tags_all"] == host["tags"] | {
            "Project": "airaware",
            "Environment": environment,
        }
    for template in resources(plan, "aws_launch_template"):
        assert template["metadata_options"][0]["http_tokens"] == "required"


def test_the_lab_is_applied_and_taken_down(place: Callable[..., Terraform]) -> None:
    lab = place("lab")
    made: list[str] = []
    lab.plan()
    lab.apply(made.append)
    outputs = lab.outputs()
    assert set(outputs["web_groups"]) == {"us-west-2a", "us-west-2b"}
    assert outputs["hosts"]["database-b"]["zone"] == "us-west-2b"
    assert outputs["site_url"] == f"http://{outputs['balancer_dns_name']}"
    assert any("module.balancer[0].aws_lb.this: Creation complete" in line for line in made)

    again = lab.plan()
    assert set(again.changes.values()) == {"update"}
    assert {_type(address) for address in again.changes} == DRIFT_OF_MOTO
    assert again.outputs == {}

    lab.destroy(made.append)
    assert lab.outputs() == {}
    assert set(lab.plan().changes.values()) == {"create"}


def _type(address: str) -> str:
    """module.network.aws_subnet.public["us-west-2a"] -> aws_subnet"""
    return next(part for part in address.split(".") if part.startswith("aws_"))
