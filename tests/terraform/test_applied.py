"""Every environment applied and destroyed, on the lab's API; in `make test-slow`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airaware.errors import AirAwareError
from tests.terraform.conftest import CHECKOUT, REGION
from tests.terraform.labregion import DEBIAN, image_id
from tools.environments.fleet import Fleet
from tools.region import costs
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


def priced(
    terraform: Terraform, variables: dict[str, str] | None = None
) -> tuple[list[str], list[float]]:
    """The sums before and after a change, as `fab plan` prints them, and the databases."""
    content = terraform.content(terraform.plan(variables=variables))
    found = re.search(r"from ([\d.,]+) to ([\d.,]+) \(", costs.difference(content))
    assert found
    databases = [
        sum(each.count for each in costs.costs(content, when) if each.what.startswith("database"))
        for when in ("before", "after")
    ]
    return [each.replace(",", "") for each in found.groups()], databases


@pytest.mark.parametrize(
    ("environment", "variant"),
    [
        ("lab", "single"),
        *(("staging", variant) for variant in ("multi", "single")),
        *(("production", variant) for variant in ("multi", "single")),
    ],
)
def test_an_environment_is_applied_once_and_taken_down(
    place: Callable[..., Terraform],
    client: Callable[[str], Any],
    endpoint: dict[str, str],
    tmp_path: Path,
    environment: str,
    variant: str,
) -> None:
    terraform = place(environment, *(["single"] if variant == "single" else []))
    terraform.plan()
    terraform.apply(str)
    if environment != "lab" and variant == "multi":
        environ = endpoint | {"AWS_DEFAULT_REGION": REGION}
        region: Any = SimpleNamespace(is_up=lambda: True, environ=lambda: environ)
        fleet = Fleet(environment, tmp_path, region)
        fleet.terraform = terraform
        with pytest.raises(AirAwareError, match=r"Nothing was destroyed: .* protected"):
            fleet._destroy()
    assert terraform.plan().changes == {}
    if (environment, variant) == ("production", "multi"):
        sums = re.findall(r"\*\*([\d.]+)\*\* †", (CHECKOUT / "docs" / "cost.md").read_text())
        third = {"zones": json.dumps({"us-west-2a": 0, "us-west-2b": 1, "us-west-2c": 2})}
        assert priced(place(environment, "single")) == (sums, [2, 1])
        (before, after), databases = priced(terraform, third)
        assert (before, databases) == (sums[0], [2, 3])
        assert float(after) > float(before)

    elb = client("elbv2")
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        elb.modify_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
        )
    terraform.destroy(str)
    assert terraform.outputs() == {}
