"""The lab's environment applied to plain moto, and destroyed; in `make test-slow`."""

from collections.abc import Callable
from typing import Any

import pytest

from tools.region.terraform import Terraform

pytestmark = pytest.mark.slow

# What moto keeps otherwise than AWS, so that plain moto's next plan is not empty. tools/lab fills
# these gaps; where moto learns one by itself, this test says so.
DRIFT_OF_MOTO = {
    "aws_route53_zone",  # a private zone becomes public
    "aws_vpc_dhcp_options",  # tags at creation are lost
    "aws_autoscaling_group",  # follows its launch template
    "aws_autoscaling_policy",  # its answer lacks `enabled`
    "aws_launch_template",  # its own tags are taken for its instances'
    "aws_vpc_security_group_egress_rule",  # a group as the peer loses the rule's description
    "aws_vpc_security_group_ingress_rule",
}


SHIFTED = ["AddToLoadBalancer", "Launch"]


def test_the_lab_is_applied_and_taken_down(
    place: Callable[..., Terraform], client: Callable[[str], Any]
) -> None:
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

    # An apply in the middle of a shift: moto's drift has it update the groups.
    scaling = client("autoscaling")
    groups = list(outputs["web_groups"].values())
    for group in groups:
        scaling.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=SHIFTED)
    shifted = lab.plan()
    assert 'module.web_tier["us-west-2a"].aws_autoscaling_group.this' in shifted.changes
    lab.apply(made.append)
    described = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=groups)
    for group in described["AutoScalingGroups"]:
        assert sorted(each["ProcessName"] for each in group["SuspendedProcesses"]) == SHIFTED
        # Else its hosts would not be terminated with it.
        scaling.resume_processes(
            AutoScalingGroupName=group["AutoScalingGroupName"], ScalingProcesses=SHIFTED
        )

    lab.destroy(made.append)
    assert lab.outputs() == {}
    assert set(lab.plan().changes.values()) == {"create"}


def _type(address: str) -> str:
    """module.network.aws_subnet.public["us-west-2a"] -> aws_subnet"""
    return next(part for part in address.split(".") if part.startswith("aws_"))
