"""The hosts' image: a web host of it serves within seconds, and a first run installs nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hands import one, ran_first, said
from visitors import at_rest, healthy_targets
from wait import until

from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host
from tools.rollout.rollout import FIRST_RUN

ZONES = ("us-west-2a", "us-west-2b")
LAUNCH_SECONDS, CONVERGED_SECONDS = 300, 900
# What only a host that runs can know, and so its first run makes.
AGENT_SETTINGS = ("environment", "runinterval", "priority", "splay", "usecacheonfailure")
OWN_UNITS = (
    *("airaware-host-metrics.service", "airaware-journal.service", "airaware-journal.timer"),
    "airaware-journal-last.service",
)
OF_THE_HOST = {
    *(f"Ini_setting[agent {name}]" for name in AGENT_SETTINGS),
    *(f"File[/etc/systemd/system/{unit}]" for unit in OWN_UNITS),
    "Exec[systemctl-daemon-reload]",
    # airaware-journal.service is its timer's.
    *(f"Service[{unit}]" for unit in OWN_UNITS if unit != "airaware-journal.service"),
    "Service[puppet]",
}
CHANGED = """
/usr/bin/ruby -ryaml -rpuppet -e '
report = YAML.unsafe_load_file("/var/cache/puppet/state/last_run_report.yaml")
puts report.metrics["time"].values.assoc("total").last
report.resource_statuses.each { |name, status| puts name if status.changed }'
"""


@pytest.fixture(scope="module")
def image(lab: Fleet) -> Iterator[str]:
    """The image, which all hosts are of; web hosts are one in each zone whatever the load."""
    newest = lab.image()
    assert newest
    ids = [host.instance_id for host in lab.hosts()]
    described = lab.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    assert {each["ImageId"] for group in described for each in group["Instances"]} == {newest.id}
    with at_rest(lab):
        yield newest.id


def settled(lab: Fleet) -> list[Host]:
    """The web hosts, one in each zone, done with their first run: it would share the machine's two
    cores with what is measured."""
    until(lambda: len(web_hosts(lab)) == len(ZONES), "one in each zone", LAUNCH_SECONDS)
    config, there = lab.ssh_config(), web_hosts(lab)
    for host in there:
        until(lambda host=host: ran_first(config, host), f"{host.name} is done", CONVERGED_SECONDS)
    return there


def web_hosts(lab: Fleet) -> list[Host]:
    """Those that run, the newest last."""
    running = [host for host in lab.hosts() if host.role == "web" and host.state == "running"]
    return sorted(running, key=lambda host: host.launched_at)


def launched(lab: Fleet) -> Host:
    """A host that its group has launched, in the place of the oldest."""
    there = settled(lab)
    lab.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=there[0].instance_id, ShouldDecrementDesiredCapacity=False
    )
    ids = {host.instance_id for host in there}
    return until(
        lambda: next((host for host in web_hosts(lab) if host.instance_id not in ids), None),
        "a new host",
        LAUNCH_SECONDS,
    )


def serving_seconds(lab: Fleet, host: Host) -> tuple[float, float]:
    """From the host's launch until it answers, and until the balancer has found that."""
    launched_at = host.launched_at.timestamp()
    # As Prometheus asks it: from another host, whose clock is the same here.
    ask = f"until curl -fsS -m 1 {host.address}:8000/healthz >/dev/null; do sleep 0.1; done"
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(
            said, lab.ssh_config(), one(lab, "monitoring"), f"{ask} 2>/dev/null; date +%s.%N"
        )
        until(lambda: host.instance_id in healthy_targets(lab), "balanced", LAUNCH_SECONDS)
        balanced_seconds = time.time() - launched_at
        return float(asked.result()) - launched_at, balanced_seconds


@pytest.fixture(scope="module")
def newcomer(
    lab: Fleet,
    image: str,  # noqa: ARG001 (it has to be there)
) -> Host:
    """A web host that was launched just now, has served and has had its first run."""
    host = launched(lab)
    answered, balanced = serving_seconds(lab, host)
    print(f"it answers {answered:.1f} s after its launch, balanced {balanced:.1f}")
    until(lambda: ran_first(lab.ssh_config(), host), "its first run", CONVERGED_SECONDS, 1)
    return host


def test_it_serves_before_its_first_run_has_ended(lab: Fleet, newcomer: Host) -> None:
    serves = "systemctl show airaware-web -P ActiveEnterTimestamp --timestamp=unix | tr -d @"
    began, ended = said(
        lab.ssh_config(), newcomer, f"{serves}; stat --format %Y {FIRST_RUN}"
    ).split()
    assert int(began) < int(ended)


def test_its_first_run_changes_nothing_but_what_is_its_own(lab: Fleet, newcomer: Host) -> None:
    seconds, *changed = said(lab.ssh_config(), newcomer, CHANGED).split("\n")
    print(f"its first run: {seconds} s, changed {changed}")
    assert set(filter(None, changed)) == OF_THE_HOST
