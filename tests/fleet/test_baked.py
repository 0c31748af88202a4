"""The web hosts' image: Packer makes it over SSH, and a host of it serves within seconds."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fleets import Fab
from hands import one, ran_first, said
from visitors import healthy_targets
from wait import until

from tools.fleet import Fleet
from tools.hosts import Host

ANSWER_SECONDS = 8
BALANCED_SECONDS = 15
RUN_SECONDS = 15
LAUNCH_SECONDS = 60
CONVERGED_SECONDS = 300
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
def newcomer(lab: Fleet, fab: Fab) -> Host:
    """A host that its group has launched from an image that was just built."""
    started = time.monotonic()
    built = fab("images", "--role", "web", "--env", "lab")
    assert built.returncode == 0, built.stderr
    print(f"the web image: {time.monotonic() - started:.0f} s")
    renewed = fab("deploy", "--env", "lab")
    assert renewed.returncode == 0, renewed.stderr
    image = lab.images()["web"]
    assert image.id in renewed.stdout
    there = {host.instance_id for host in lab.hosts() if host.role == "web"}
    described = lab.client("ec2").describe_instances(InstanceIds=sorted(there))
    images = {each["ImageId"] for group in described["Reservations"] for each in group["Instances"]}
    assert images == {image.id}
    config = lab.ssh_config()
    for host in (host for host in lab.hosts() if host.instance_id in there):
        # They would share the machine's two cores with the newcomer.
        until(lambda host=host: ran_first(config, host), f"{host.name} is done", CONVERGED_SECONDS)
    lab.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=min(there), ShouldDecrementDesiredCapacity=False
    )
    return until(
        lambda: next(
            (
                host
                for host in lab.hosts()
                if host.role == "web" and host.instance_id not in there and host.state == "running"
            ),
            None,
        ),
        "a new host",
        LAUNCH_SECONDS,
    )


def test_it_serves_within_seconds_of_its_launch(lab: Fleet, newcomer: Host) -> None:
    launched = newcomer.launched_at.timestamp()
    # As Prometheus asks it: from another host, whose clock is the same here.
    ask = f"until curl -fsS -m 1 {newcomer.address}:8000/healthz >/dev/null; do sleep 0.1; done"
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(
            said, lab.ssh_config(), one(lab, "monitoring"), f"{ask} 2>/dev/null; date +%s.%N"
        )
        until(lambda: newcomer.instance_id in healthy_targets(lab), "balanced", LAUNCH_SECONDS)
        balanced_seconds = time.time() - launched
        answered_seconds = float(asked.result()) - launched
    print(f"it answers {answered_seconds:.1f} s after its launch, balanced {balanced_seconds:.1f}")
    assert answered_seconds < ANSWER_SECONDS
    assert balanced_seconds < BALANCED_SECONDS


def test_its_first_run_changes_nothing_but_what_is_its_own(lab: Fleet, newcomer: Host) -> None:
    config = lab.ssh_config()
    host = next(each for each in lab.hosts() if each.instance_id == newcomer.instance_id)
    until(lambda: ran_first(config, host), "its first run", CONVERGED_SECONDS, 1)
    seconds, *changed = said(config, host, CHANGED).split("\n")
    print(f"its first run: {seconds} s, changed {changed}")
    assert set(filter(None, changed)) == OF_THE_HOST
    assert float(seconds) < RUN_SECONDS
