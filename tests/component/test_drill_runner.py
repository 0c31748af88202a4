"""A drill is undone whatever becomes of it, and starts only where all is well."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_drill
from tiny_drill import ZONE, Folder, losing, tiny

from airaware.errors import AirAwareError
from tools.drill import journal as journals
from tools.drill import runner
from tools.drill.actions import Call, Change
from tools.drill.journal import Journal
from tools.drill.model import Drill
from tools.drill.observations import Observations
from tools.drill.runner import STEADY_AGAIN, Result
from tools.drill.visitors import RESOLVING, Visit
from tools.fleet.controller import DONE, FAILS


def silent(text: str) -> None:
    """Nobody reads along."""


def run(drill, folder: Path) -> Result:
    return runner.run(drill, Folder(folder), Journal(folder), ZONE, silent)


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The tiny drill in a process of its own, once its fault is there."""
    process = subprocess.Popen(
        [sys.executable, tiny_drill.__file__, str(folder), *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (folder / f"{ZONE}.lost").exists():
        assert time.monotonic() < deadline, "the fault did not come"
        time.sleep(0.05)
    return process


def test_a_drill_breaks_and_mends(tmp_path: Path) -> None:
    result = run(tiny(), tmp_path)
    assert result.verdict == "met"
    assert result.undone == [f"lose {ZONE}"]
    assert {finding.expected: finding.met for finding in result.findings}[STEADY_AGAIN]
    times = [result.observed.times()[name] for name in ("detected", "returned", "recovered")]
    detected, returned, recovered = (seconds for seconds in times if seconds is not None)
    assert detected < returned <= recovered
    assert not Folder(tmp_path).lost()
    assert not Journal(tmp_path).file.exists()


def test_a_drill_is_judged_by_what_its_own_actions_have_found_out(tmp_path: Path) -> None:
    world = Folder(tmp_path)
    for hosts in (["i-1"], ["i-2"]):
        note = Change("note them", Call("note", {"hosts": hosts}))
        result = runner.run(tiny(note), world, Journal(tmp_path), ZONE, silent)
        assert result.observed.notes == {"hung": hosts}


@pytest.mark.parametrize("words", [(), ("die",)], ids=["in the middle", "within an act"])
def test_a_killed_drill_is_undone_by_another_process(tmp_path: Path, words) -> None:
    with started(tmp_path, *words) as process:
        process.kill()
    assert Folder(tmp_path).lost() == [ZONE]
    with pytest.raises(AirAwareError, match=r"was interrupted\. Undo it first: fab recover"):
        run(tiny(), tmp_path)
    assert runner.recover(Folder(tmp_path), tmp_path, silent) == [f"lose {ZONE}"]
    assert not Folder(tmp_path).lost()
    assert run(tiny(), tmp_path).verdict == "met"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_undoes_itself(tmp_path: Path, number: int) -> None:
    with started(tmp_path) as process:
        with pytest.raises(AirAwareError, match="Another drill is running"):
            runner.recover(Folder(tmp_path), tmp_path, silent)
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert said == "aborted the operator stopped it\n"
    assert not Folder(tmp_path).lost()
    assert not Journal(tmp_path).file.exists()


def test_nothing_is_broken_where_the_steady_state_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "zone-a.lost").touch()
    with pytest.raises(AirAwareError, match="does not hold: lost zones: 1, not from -inf to 0"):
        run(tiny(), tmp_path)
    assert Folder(tmp_path).lost() == ["zone-a"]


def test_a_fault_that_fails_half_way_is_undone(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no way"):
        run(tiny(losing(ZONE), Change("fail", Call("fail"))), tmp_path)
    assert not Folder(tmp_path).lost()
    assert not Journal(tmp_path).file.exists()


def test_what_cannot_be_undone_stays_in_the_journal_alone(tmp_path: Path) -> None:
    stubborn = Change("do it", Call("lose", {"zone": "zone-a"}), Call("fail"))
    with pytest.raises(AirAwareError, match=r"Not undone .* tries again\):\n  do it: no way"):
        run(tiny(stubborn, losing(ZONE), hold_seconds=0), tmp_path)
    assert Folder(tmp_path).lost() == ["zone-a"]
    assert [entry["text"] for entry in journals.read(tmp_path).done] == ["do it"]


def test_what_is_left_behind_spoils_the_verdict(tmp_path: Path) -> None:
    drill = tiny(Change("lose it for good", Call("lose", {"zone": ZONE})), hold_seconds=1.5)
    result = run(drill, tmp_path)
    assert result.verdict == "missed"
    assert result.left == [f"files: ['{ZONE}.lost'], was []"]
    assert [f.met for f in result.findings if f.expected == STEADY_AGAIN] == [False]


def test_a_fault_is_over_when_its_jobs_have_ended_and_then_the_operator_answers(
    tmp_path: Path,
) -> None:
    def job(name: str, state: str) -> Change:
        return Change(name, Call("start", {"job": name, "state": state}))

    drill = tiny(job("first", FAILS), hold_seconds=60)
    drill = replace(drill, answer=lambda _world, _zone: [job("second", DONE)], expected=())
    result = run(drill, tmp_path)
    observed = result.observed
    assert (observed.times()["returned"] or 0) < 10
    assert observed.jobs == {"first": FAILS, "second": DONE}
    assert len(observed.looks) >= 2


class Watched(Folder):
    """`fired` is (name, begin, end), in seconds since the drill's begin."""

    fired: list[tuple[str, float, float]] | None = None

    def alerts(self, seconds: float, _: str) -> list[tuple[str, float, float]] | None:
        began = time.monotonic() - seconds
        return self.fired and [(name, began + b, began + e) for name, b, e in self.fired]


ALERTED = replace(tiny(), alerts=frozenset({"Expected"}), other_alerts=frozenset({"Tolerated"}))


def judged(drill: Drill, world: Folder) -> tuple[bool | None, str]:
    """What became of the alerts, and of the drill."""
    result = runner.run(drill, world, Journal(world.path), ZONE, silent)
    (finding,) = (f for f in result.findings if f.expected.startswith("alerts within 60 s"))
    return finding.met, result.verdict


@pytest.mark.parametrize(
    ("fired", "met"),
    [
        (None, False),
        ([], False),
        ([("Expected", 20, 40)], True),
        ([("Expected", 90, 99)], False),
        ([("Expected", 20, 500)], False),
        ([("Expected", 90, 99), ("Expected", 20, 40)], True),
        ([("Expected of zone-a", 20, 40)], False),
        ([("Expected", 20, 40), ("Tolerated", 25, 30)], True),
        ([("Expected", 20, 40), ("Tolerated", 25, 500)], False),
        ([("Expected", 20, 40), ("Unforeseen", 25, 30)], False),
        ([("Expected", 20, 40), ("Unforeseen", -9, 500)], True),
    ],
)
def test_alerts_are_judged(monkeypatch, tmp_path: Path, fired, met: bool) -> None:
    monkeypatch.setattr(runner, "STILL_SECONDS", -200)  # the drill itself takes two seconds
    monkeypatch.setattr(runner, "CLEAR_SECONDS", 0)
    world = Watched(tmp_path)
    world.fired = fired
    assert judged(ALERTED, world) == (met, "met" if met else "missed")


@pytest.mark.parametrize(("fired_seconds", "met"), [(100, True), (170, False)])
def test_alerts_of_a_crowd_are_awaited_from_when_all_of_it_comes(
    fired_seconds: float, met: bool
) -> None:
    observed = Observations(ZONE, 0, breaking=10, injected=10, crowded=100)
    observed.alerts = [("Expected", fired_seconds, 200)]
    assert runner._judge_alerts(replace(ALERTED, ramp=(10,)), observed).met == met


def test_where_no_alert_should_fire_nobody_need_be_there_to_tell(tmp_path: Path) -> None:
    assert judged(tiny(), Folder(tmp_path)) == (None, "met")


def test_alerts_are_given_time_to_clear_and_a_burn_rate_need_not(
    monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "STILL_SECONDS", 0.5)
    began = time.monotonic()

    class Clearing(Folder):
        def alerts(self, *_: object) -> list[tuple[str, float, float]]:
            now = time.monotonic()
            return [("Expected", began + 1, min(now, began + 4)), ("SiteErrorsFast", now, now)]

    drill = replace(ALERTED, other_alerts=frozenset({"SiteErrorsFast"}))
    assert judged(drill, Clearing(tmp_path)) == (True, "met")
    assert time.monotonic() - began > 4


def visitors_fail(*_: object) -> list[SimpleNamespace]:
    visit = Visit(time.monotonic(), 0.01, False, RESOLVING, "10.0.0.5")
    return [SimpleNamespace(visits=[visit], process=SimpleNamespace(poll=lambda: None))]


@pytest.mark.parametrize("mends", [True, False])
def test_the_budget_ends_a_drill_within_an_act_too_and_then_the_fleet_is_steady(
    monkeypatch, tmp_path: Path, mends: bool
) -> None:
    monkeypatch.setattr(runner, "_visitors", visitors_fail)
    lost = losing(ZONE) if mends else replace(losing(ZONE), undo=None)
    began = time.monotonic()
    result = run(tiny(lost, Change("dawdle", Call("dawdle"))), tmp_path)
    assert time.monotonic() - began < 30
    assert result.aborted == "the error budget is spent: 1 failed requests, 0 allowed"
    assert [(f.expected, f.met) for f in result.findings] == [(STEADY_AGAIN, mends)]
    assert bool(Folder(tmp_path).lost()) is not mends


@pytest.mark.parametrize("spoils", [False, True])
def test_each_drill_compares_what_the_zones_hold(tmp_path: Path, spoils: bool) -> None:
    for zone in ("zone-a", ZONE):
        (tmp_path / f"{zone}.checksum").write_text("7")
    spoil = [Change("spoil", Call("spoil", {"zone": ZONE}))] if spoils else []
    result = run(tiny(losing(ZONE), *spoil), tmp_path)
    last = {"zone-a": "7", ZONE: "8" if spoils else "7"}
    assert result.observed.checksums() == {"before": {"zone-a": "7", ZONE: "7"}, "after": last}
    assert result.verdict == ("missed" if spoils else "met")
