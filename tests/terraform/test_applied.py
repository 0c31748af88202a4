"""The lab's environment applied and destroyed, on the lab's API; in `make test-slow`."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.terraform.conftest import DEBIAN, image_id
from tools.region.terraform import Terraform

pytestmark = pytest.mark.slow

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

    assert lab.plan().changes == {}  # no drift

    # A new image, and so new launch templates, in the middle of a shift.
    scaling = client("autoscaling")
    groups = list(outputs["web_groups"].values())
    for group in groups:
        scaling.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=SHIFTED)
    shifted = lab.plan(variables={"image_id": image_id(DEBIAN)})
    assert {
        f'module.web_tier["{zone}"].aws_autoscaling_group.this' for zone in outputs["web_groups"]
    } <= {*shifted.changes}
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
