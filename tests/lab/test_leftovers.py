"""A daemon that is killed leaves a host behind; by the lab's name alone all of it is removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import a_place

from tools.lab import leftovers
from tools.lab.hosts.images import Image

NAME = f"awk{os.getpid()}"
DAEMON = """
import sys, time
sys.path[:0] = sys.argv[2:]
from places import a_place
from tools.lab.hosts import images
with a_place(sys.argv[1], images.base(print)) as place:
    place.await_state(place.add(1, "a"), "running")
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.usefixtures("image")
def test_what_a_killed_daemon_left_is_found_and_removed() -> None:
    # Where the tests' own modules are.
    modules = [str(folder) for folder in Path(__file__).parents[:2]]
    command = [sys.executable, "-c", DAEMON, NAME, *modules]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
            assert daemon.stdout
            assert "ready\n" in iter(daemon.stdout.readline, "")
            daemon.kill()
        left = leftovers.find(NAME)
        assert left.processes
        assert left.mounts
        assert left.cgroups
        assert left.namespaces == (NAME, f"{NAME}-net")
    finally:
        leftovers.remove(NAME)
    assert leftovers.everything(NAME) == []


def test_a_test_that_fails_leaves_nothing(image: Image) -> None:
    def fail() -> None:
        with a_place(NAME, image) as place:
            place.await_state(place.add(1, "a"), "running")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert leftovers.everything(NAME) == []


def test_the_leftovers_of_another_lab_are_not_touched() -> None:
    assert leftovers.everything(NAME[:-1]) == []
