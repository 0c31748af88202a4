"""Commands, and what preflight reads."""

from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.lab import preflight
from tools.lab.commands import run
from tools.lab.net import network


def test_a_command_that_fails_says_what_and_why() -> None:
    with pytest.raises(AirAwareError, match=r"status 3: sh -c .*\nno such luck"):
        run("sh", "-c", "echo no such luck >&2; exit 3")
    with pytest.raises(AirAwareError, match="there-is-none"):
        run("there-is-none")
    with pytest.raises(AirAwareError, match=r"after 0.1 s: sleep 5"):
        run("sleep", "5", timeout_seconds=0.1)
    assert run("cat", stdin="in") == "in"


def test_free_memory_is_what_programs_can_still_have() -> None:
    meminfo = "MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n"
    assert preflight.available_bytes(meminfo) == 2 << 20


def test_missing_programs_are_named_by_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(preflight.PACKAGES, "there-is-none", "nowhere")
    assert "nowhere" in preflight.missing_packages()


def test_too_little_room_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "DISK_BYTES", 1 << 60)
    monkeypatch.setattr(preflight, "MEMORY_BYTES", 1 << 60)
    memory, disk = preflight._lack_of_room(Path("/var/lib/not-there-yet"))
    assert "end other programs" in memory
    assert "free at /var" in disk


def test_a_zones_bridge_has_its_letter() -> None:
    assert network.bridge("us-west-2b") == "br-b"
