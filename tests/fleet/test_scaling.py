"""A zone's web hosts follow the CPU that its group is told of; and load comes from outside."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fleets import Fab, administrator
from visitors import in_service
from wait import until

from airaware.host import cpu
from tools.environments.fleet import Fleet
from tools.region import clients

pytestmark = pytest.mark.slow

ZONE = "us-west-2a"
# More than the target, and less than twice as much: a second host is wanted, and no third.
PERCENT = 80
GROWN_SECONDS, IN_SERVICE_SECONDS = 60, 300


@contextmanager
def told(fleet: Fleet, group: str, percent: float) -> Iterator[None]:
    """CloudWatch is told so of a group, beside what its hosts say, which is far less."""
    cloudwatch = administrator(fleet, "cloudwatch")
    enough = threading.Event()

    def tell() -> None:
        while not enough.wait(1):
            cloudwatch.put_metric_data(
                Namespace=cpu.NAMESPACE, MetricData=[cpu.datum(group, percent)]
            )

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


@pytest.mark.usefixtures("grown_back")
def test_a_zone_gets_a_second_host_by_its_own_cpu(lab: Fleet) -> None:
    groups = lab.terraform.outputs()["web_groups"]
    before = {zone: in_service(lab, zone) for zone in groups}
    assert before == dict.fromkeys(groups, 1)
    scaling = clients.client("autoscaling", lab.region.environ())

    def desired(zone: str) -> int:
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[groups[zone]])[
            "AutoScalingGroups"
        ]
        return group["DesiredCapacity"]

    with told(lab, groups[ZONE], PERCENT):
        until(lambda: desired(ZONE) == 2, "a second host is wanted", GROWN_SECONDS)
        until(lambda: in_service(lab, ZONE) == 2, "and in service", IN_SERVICE_SECONDS)
    assert {zone: desired(zone) for zone in groups if zone != ZONE} == {"us-west-2b": 1}


def test_load_comes_from_outside_and_is_told_of(lab: Fleet, fab: Fab) -> None:
    lenient = ("--max-failed-percent", "100", "--max-p95-ms", "60000")
    done = fab("loadtest", "--env", "lab", "--users", "30", "--minutes", "0.2", *lenient)
    assert done.returncode == 0
    assert "clock factor 1" in done.stdout
    report = max((lab.folder / "loadtests").iterdir())
    assert json.loads((report / "summary.json").read_text())["requests"] > 10
    recorded = json.loads((report / "timeline.json").read_text())
    assert {zone: points[0][1] for zone, points in recorded["servers"].items()} == {
        **{"us-west-2a": 1, "us-west-2b": 1}
    }


@pytest.mark.usefixtures("lab")
def test_another_host_or_shape_is_refused(fab: Fab) -> None:
    assert fab("loadtest", "--env", "lab", "--shape", "flood").returncode == 1
    assert "no shape 'flood'" in fab("loadtest", "--env", "lab", "--shape", "flood").stderr
