"""Hosts, on real networks, with the real image: two of them, one in each zone."""

import os
import signal
from collections.abc import Iterator

import pytest
from deadline import until
from places import CA, Place, a_place, networks_of_the_machine

from tools.lab import leftovers
from tools.lab.hosts import cgroups
from tools.lab.hosts import nspawn as hosts
from tools.lab.hosts.images import Image
from tools.lab.model import Volume

NAME = f"awt{os.getpid()}"


@pytest.fixture(scope="module")
def place(image: Image) -> Iterator[Place]:
    before = networks_of_the_machine()
    with a_place(NAME, image) as made:
        yield made
        assert networks_of_the_machine() == before, "the machine's own networks were changed"
    assert leftovers.everything(NAME) == []


@pytest.fixture(scope="module")
def both(place: Place) -> tuple[str, str]:
    """A host in each zone, booted."""
    ids = place.add(1, "a"), place.add(2, "b")
    for instance_id in ids:
        health = place.await_state(instance_id, "running")
        print(
            f"{instance_id}: SSH after {health.boot_seconds:.1f} s, {health.memory_bytes >> 20} MB"
        )
    return ids


@pytest.fixture
def host(place: Place, both: tuple[str, str]) -> str:
    """The host in zone a, up again if a test has ended it."""
    if place.health(both[0]).state != "running":
        place.change(both[0], state="running", launch=place.instances[both[0]].launch + 1)
        place.await_state(both[0], "running")
    return both[0]


def nspawn(place: Place, instance_id: str) -> int:
    """The id of a host's systemd-nspawn."""
    (line,) = [
        line
        for line in leftovers.everything(place.name)
        if ": systemd-nspawn " in line and f"--machine={place.name}-{instance_id} " in line
    ]
    return int(line.split()[1].rstrip(":"))


def test_a_host_is_who_and_where_its_instance_says(place: Place, host: str) -> None:
    said = place.ssh(host, "hostname; ip -br -4 addr show host0; cat /etc/resolv.conf")
    assert said.split() == [
        *("ip-10-0-1-11", "host0@if" + said.partition("@if")[2].split()[0], "UP", "10.0.1.11/24"),
        *("nameserver", "169.254.169.253"),
    ]
    assert place.health(host).memory_bytes > 10 << 20


def test_user_data_runs_once_and_knows_the_endpoint(place: Place, host: str) -> None:
    until(lambda: place.ssh(host, "sudo cat /root/user-data 2>/dev/null || true"))
    assert place.ssh(host, "sudo cat /root/user-data") == "https://192.0.2.1\n"
    assert "AWS_ENDPOINT_URL=https://192.0.2.1\n" in place.ssh(host, "env")
    assert CA in place.ssh(host, "cat $AWS_CA_BUNDLE")
    stages = " ".join(f"cloud-{stage}" for stage in ("init-local", "init", "config", "final"))
    states = f"systemctl show --property ActiveState --value {stages}"
    until(lambda: "activating" not in place.ssh(host, states))
    assert place.ssh(host, states).split() == ["active", "inactive", "inactive", "active"]


def test_only_keys_let_in(place: Place, host: str) -> None:
    settings = place.ssh(host, "sudo sshd -T").splitlines()
    assert {"passwordauthentication no", "permitrootlogin no"} <= set(settings)


def test_nothing_of_a_host_fails_to_start(place: Place, host: str) -> None:
    assert place.ssh(host, "systemctl list-units --failed --plain --no-legend") == ""


def test_the_zones_reach_each_other(place: Place, both: tuple[str, str], host: str) -> None:
    other = place.instances[both[1]].interface.address
    assert place.ssh(host, f"exec 3<>/dev/tcp/{other}/22; head -c 7 <&3") == "SSH-2.0"


def test_a_host_sees_its_own_services_only(place: Place, both: tuple[str, str]) -> None:
    for instance_id in both:
        assert (
            place.ssh(instance_id, "pgrep -xc sshd | head -1; pgrep -xc systemd-logind").split()[1]
            == "1"
        )


def test_a_stopped_host_keeps_its_files(place: Place, host: str) -> None:
    place.ssh(host, "echo kept > ~/file; sync")
    place.change(host, state="stopped")
    place.await_state(host, "stopped")
    assert not [m for m in leftovers.find(NAME).mounts if host in str(m)]
    place.change(host, state="running", launch=2)
    place.await_state(host, "running")
    assert place.ssh(host, "cat ~/file; sudo cat /root/user-data | wc -l").split() == ["kept", "1"]


@pytest.mark.parametrize("by", ["the API", "itself"])
def test_a_host_reboots(place: Place, host: str, by: str) -> None:
    before = place.ssh(host, "stat -c %z /proc/1")
    since = place.health(host).since
    if by == "itself":
        place.ssh(
            host,
            "sudo systemd-run --on-active=0.1 --timer-property=AccuracySec=10ms systemctl reboot",
        )
    else:
        place.hosts.reboot(host)
    until(lambda: place.health(host).since > since and place.health(host).state == "running")
    assert place.ssh(host, "stat -c %z /proc/1") != before


def test_a_killed_host_is_noticed_and_its_remains_go(place: Place, host: str) -> None:
    os.kill(nspawn(place, host), signal.SIGKILL)
    health = place.await_state(host, "dead")
    assert "status -9" in health.message
    assert not [line for line in leftovers.everything(NAME) if host in line]
    assert place.health(host).memory_bytes == 0


def test_a_volume_comes_goes_and_outlives_its_host(place: Place, host: str) -> None:
    volume = Volume("vol-1", "/srv/data", 1)
    place.change(host, volumes=(volume, Volume("vol-2", None, 1)))
    until(lambda: place.ssh(host, "mountpoint /srv/data || true").endswith("is a mountpoint\n"))
    place.ssh(host, "echo precious | sudo tee /srv/data/file")
    size_bytes = int(place.ssh(host, "df --output=size --block-size=1 /srv/data | tail -1"))
    assert 0.9 * 2**30 < size_bytes < 2**30
    assert (place.folder / "volumes" / f"{NAME}-vol-1.ext4").stat().st_blocks * 512 < 2**26

    place.change(host, volumes=())
    until(lambda: "not" in place.ssh(host, "mountpoint /srv/data 2>&1 || true"))
    assert place.ssh(host, "ls /srv/data") == ""

    third = place.add(3, "b")
    place.change(third, volumes=(volume,))
    del place.instances[third]
    fourth = place.add(4, "b")
    place.change(fourth, volumes=(volume,))
    place.await_state(fourth, "running")
    assert place.ssh(fourth, "cat /srv/data/file") == "precious\n"
    del place.instances[fourth]
    place.apply()
    folder = place.folder / "hosts"
    until(lambda: not any((folder / gone).exists() for gone in (third, fourth)))
    assert (place.folder / "volumes" / "vol-1" / "file").read_text() == "precious\n"


def test_the_cap_of_its_type_begins_after_the_boot_and_bites(
    place: Place, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.change(host, type="t3.nano", launch=place.instances[host].launch + 1)
    until(lambda: place.health(host).state != "running")
    place.await_state(host, "running")
    files = [folder / "cpu.cfs_quota_us" for folder in cgroups.Group(NAME, host).folders]
    files += [file.with_name("cpu.max") for file in files]
    (quota,) = [file for file in files if file.exists()]
    assert quota.read_text().split()[0] in ("-1", "max")

    monkeypatch.setattr(hosts, "UNCAPPED_SECONDS", 0)
    until(lambda: quota.read_text().split()[0] == "25000")
    burnt = "timeout 2 bash -c 'trap times EXIT; trap exit TERM; while :; do :; done' || true"
    minutes, _, seconds = place.ssh(host, burnt).split()[0].partition("m")
    assert 0 < 60 * int(minutes) + float(seconds.rstrip("s")) < 2 * 0.25 * 1.3


def test_a_host_without_its_image_is_dead_with_a_reason(place: Place) -> None:
    instance_id = place.add(5, "a")
    place.change(instance_id, layer="000000000000", launch=2)
    until(lambda: "build the lab's image again" in place.health(instance_id).message)
    del place.instances[instance_id]
    place.apply()
