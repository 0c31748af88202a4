"""Drills that do not come to their end, and a zone that an operator takes out of service."""

import subprocess
import sys
from pathlib import Path

import pytest
from fleets import Fab
from visitors import zones_that_answer
from wait import until

from tools.drill import journal
from tools.drill.world import World
from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host

pytestmark = pytest.mark.slow

ZONES = {"us-west-2a", "us-west-2b"}
STEADY_SECONDS = 120
FAULT_SECONDS = 90


@pytest.mark.usefixtures("state")
def test_a_drill_that_was_killed_is_undone(lab: Fleet, fab: Fab, environ: dict[str, str]) -> None:
    folder = lab.folder / "drills"
    words = [sys.executable, "-m", "fabric", "drill", "zone-outage", "--env", "lab"]
    with subprocess.Popen(words, env=environ, cwd=Path(__file__).parents[2]) as drill:
        until(lambda: len(journal.read(folder).done) == 4, "the fault is there", FAULT_SECONDS)
        refused = fab("recover", "--env", "lab")
        assert refused.returncode == 1
        assert "Another drill is running" in refused.stderr
        drill.kill()
    refused = fab("drill", "zone-detach", "--env", "lab")
    assert refused.returncode == 1
    assert "first fab recover" in refused.stderr
    undone = fab("recover", "--env", "lab").stdout
    assert undone.count("undone: put subnet-") == 2
    assert "undone: make a network ACL that denies all" in undone
    until(lambda: set(zones_that_answer(lab)) == ZONES, "both zones answer", STEADY_SECONDS)
    assert not lab.plan().changes
    assert "No drill has left anything" in fab("recover", "--env", "lab").stdout


def test_a_zone_can_be_taken_out_and_given_back(lab: Fleet, fab: Fab) -> None:
    world = World(lab)

    def in_service() -> set[str]:
        return {zone for zone, count in world.sample().healthy.items() if count}

    def web_hosts() -> list[Host]:
        return [host for host in lab.hosts() if host.role == "web"]

    before = web_hosts()
    assert fab("shift-away", "--zone", "us-west-2b", "--env", "lab").returncode == 0
    assert in_service() == {"us-west-2a"}
    alone = fab("shift-away", "--zone", "us-west-2a", "--env", "lab")
    assert alone.returncode == 1
    assert "the site would be down" in alone.stderr
    assert fab("shift-back", "--zone", "us-west-2b", "--env", "lab").returncode == 0
    assert in_service() == ZONES
    assert not world.web_tier.suspended("us-west-2b")
    assert web_hosts() == before
    unknown = fab("shift-away", "--zone", "us-west-2z", "--env", "lab")
    assert "There is no zone 'us-west-2z'. Zones are: us-west-2a, us-west-2b" in unknown.stderr
