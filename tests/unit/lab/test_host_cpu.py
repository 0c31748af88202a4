"""A host's CPU: read from what it has, published to the region under its group's name."""

import itertools
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
from moto.cloudwatch.models import cloudwatch_backends
from moto.ec2.models import ec2_backends

from airaware.errors import AirAwareError
from airaware.host import cpu, metadata, usage
from airaware.host.usage import Usage

STAT = "cpu  1000 200 300 90000 40 5 15 80 7 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"


def made(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


CONTAINER = {"run/systemd/container": "systemd-nspawn", "proc/stat": STAT}
VERSION_1 = CONTAINER | {
    "sys/fs/cgroup/cpuacct/cpuacct.usage": "12500000000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
}
VERSION_2 = CONTAINER | {"sys/fs/cgroup/cpu.stat": "usage_usec 12500000\nuser_usec 1\n"}
HOSTS = {
    "a virtual machine": ({"proc/stat": STAT}, Usage(16.0, 2)),
    "version 1, capped": (
        VERSION_1 | {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n"},
        Usage(12.5, 0.5),
    ),
    "version 1, free": (VERSION_1 | {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"}, Usage(12.5, 2)),
    "version 2, capped": (
        VERSION_2 | {"sys/fs/cgroup/cpu.max": "25000 100000\n"},
        Usage(12.5, 0.25),
    ),
    "version 2, free": (VERSION_2 | {"sys/fs/cgroup/cpu.max": "max 100000\n"}, Usage(12.5, 2)),
    "version 2's root": (VERSION_2, Usage(12.5, 2)),
}


@pytest.mark.parametrize("host", HOSTS)
def test_usage(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, expected = HOSTS[host]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(usage, "TICKS_PER_SECOND", 100)
    assert usage.usage(made(tmp_path, files)) == expected


def test_a_container_without_a_group_is_named(tmp_path: Path) -> None:
    with pytest.raises(AirAwareError, match=f"{tmp_path}/sys/fs/cgroup has none"):
        usage.usage(made(tmp_path, CONTAINER))


@pytest.mark.parametrize(
    ("after", "percent"),
    [(Usage(12.25, 0.5), 45), (Usage(15, 0.5), 100), (Usage(10, 0.5), 0), (Usage(19, 2), 45)],
)
def test_percent_of_what_the_host_may_use(after: Usage, percent: float) -> None:
    assert after.percent_since(Usage(10, 0.5), 10) == percent


def test_this_machine_is_seen_to_work() -> None:
    before, since = usage.usage(), time.monotonic()
    while time.monotonic() - since < 0.2:
        pass
    assert usage.usage().percent_since(before, time.monotonic() - since) > 5


def test_each_period_has_one_moment_shortly_before_its_end() -> None:
    now = [1000.2]

    def sleep(seconds: float) -> None:
        now[0] += seconds + 0.003  # it is never exact

    found = itertools.islice(cpu.moments(10, lambda: now[0], sleep), 4)
    assert [round(moment, 1) for moment in found] == [1009.0, 1019.0, 1029.0, 1039.0]


def stop_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = cpu.moments
    monkeypatch.setattr(cpu, "moments", lambda s: itertools.islice(moments(s), count))


@pytest.mark.usefixtures("here", "served")
def test_a_member_publishes_its_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(3, monkeypatch)
    cpu.main(lambda number: number < 1)
    data: list[Any] = [
        datum
        for datum in cloudwatch_backends["123456789012"]["us-west-2"].metric_data
        if (datum.namespace, datum.name) == ("AirAware", "HostCPU")
        and [(d.name, d.value) for d in datum.dimensions] == [("AutoScalingGroupName", "web")]
    ]
    assert len(data) == 2
    assert all(0 <= datum.value <= 100 and datum.unit == "Percent" for datum in data)


def test_what_a_host_takes_to_begin_is_not_of_its_visitors(tmp_path: Path) -> None:
    first_run = tmp_path / "first-run"
    assert cpu.is_own(17, first_run)
    assert not cpu.is_own(18, first_run)
    first_run.touch()
    assert cpu.is_own(3, first_run)
    assert not cpu.is_own(4, first_run)


def test_prometheus_is_told_when_the_last_value_was_taken(tmp_path: Path) -> None:
    cpu.write_metric(1764000000.5, tmp_path)
    cpu.write_metric(1764000010.5, tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.name == "host_cpu.prom"
    assert file.read_text().splitlines()[-1] == (
        "airaware_host_cpu_published_timestamp_seconds 1764000010.500"
    )
    cpu.write_metric(1764000020.5, tmp_path / "of a host without node exporter")


@pytest.mark.usefixtures("here")
def test_a_refusal_is_told_once_and_survived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop_after(3, monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:9")
    with caplog.at_level(logging.ERROR):
        cpu.main(lambda _number: False)
    assert [record.message[:36] for record in caplog.records] == [
        "CloudWatch did not take the value: C"
    ]


@pytest.mark.usefixtures("served")
def test_a_host_of_no_group_has_nothing_to_publish(
    here: str, caplog: pytest.LogCaptureFixture
) -> None:
    known = ec2_backends["123456789012"]["us-west-2"].get_instance(here)
    known.metadata_options.instance_metadata_tags = "disabled"
    cpu.main()
    assert "no auto-scaling group" in caplog.text


def test_without_metadata_it_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "METADATA", "http://127.0.0.1:9/latest")
    with pytest.raises(AirAwareError, match="metadata service does not answer"):
        metadata.group_name()
