"""Waits that follow progress, by a clock that goes on only while somebody waits."""

import itertools
from collections.abc import Callable, Iterable

import pytest

from tools.machine import progress, steps
from tools.machine.progress import Clock, Look, StalledError


@pytest.fixture
def clock() -> Clock:
    now = [0.0]
    return Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))


def sees(looks: Iterable[Look]) -> Callable[[], Look]:
    """A probe that sees these one after another, and the last for ever."""
    left = list(looks)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_slow_work_is_never_given_up(clock: Clock) -> None:
    slow = [Look(False, "installing", (number // 40,)) for number in range(2000)]
    progress.wait_for({"web": sees([*slow, Look(True, "done")])}, clock=clock)
    assert clock.now() == 4000


def test_a_hang_is_reported_with_what_stands_still(clock: Clock) -> None:
    working = [Look(False, "installing", (number,)) for number in range(50)]
    probes = {
        "database": sees([Look(False, "installing"), Look(True, "done")]),
        "web": sees([*working, Look(False, "certificate", detail="last words")]),
    }
    with pytest.raises(StalledError) as told:
        progress.wait_for(probes, clock=clock, cause=lambda standing: f"because of {[*standing]}")
    assert clock.now() == 2 * 50 + progress.PATIENCE_SECONDS
    assert "Nothing has moved for 240 s" in str(told.value)
    assert "  web: certificate: last words\nbecause of ['web']\n" in str(told.value)
    assert "database" not in str(told.value)
    assert "continues from here" in str(told.value)


def test_one_that_works_keeps_all_waiting(clock: Clock) -> None:
    master = [Look(False, "installing", (number,)) for number in range(400)]
    probes = {
        "puppet": sees([*master, Look(True, "done")]),
        "web": sees([*[Look(False, "certificate")] * 450, Look(True, "done")]),
    }
    progress.wait_for(probes, clock=clock)
    assert clock.now() == 900


def test_retries_that_repeat_themselves_are_no_progress(clock: Clock) -> None:
    numbers = [1, 2, 3] * 200
    again = [Look(False, ("booting", "applying")[n % 2], (n,)) for n in numbers]
    with pytest.raises(StalledError):
        progress.wait_for({"web": sees(again)}, clock=clock)
    assert clock.now() < 300


def test_work_in_a_new_state_counts_from_the_start(clock: Clock) -> None:
    installing = [Look(False, "installing", (number,)) for number in range(0, 1000, 10)]
    applying = [Look(False, "applying", (number,)) for number in range(300)]
    progress.wait_for({"web": sees([*installing, *applying, Look(True)])}, clock=clock)


def test_what_spins_for_ever_has_an_end(clock: Clock) -> None:
    spins = (Look(False, "applying", (number,)) for number in range(100_000))
    with pytest.raises(StalledError, match="Not done after 7200 s"):
        progress.wait_for({"web": lambda: next(spins)}, clock=clock)


def test_states_are_shown_as_they_change_and_at_least_every_30_s(clock: Clock) -> None:
    shown: list[tuple[float, str]] = []
    looks = [Look(False, "booting")] * 3 + [Look(False, "applying")] * 100 + [Look(True, "done")]
    progress.wait_for(
        {"web": sees(looks)}, clock=clock, say=lambda line: shown.append((clock.now(), line))
    )
    changes = [line for _, line in shown if line.startswith("web: ")]
    assert changes == ["web: booting", "web: applying", "web: done"]
    times = [0.0, *(moment for moment, _ in shown)]
    assert max(b - a for a, b in itertools.pairwise(times)) <= 30


def test_a_silent_step_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steps, "SILENT_SECONDS", 0.1)
    lines: list[str] = []

    def act() -> None:
        while "still going on" not in "".join(lines):
            lines.append(capsys.readouterr().out)

    steps.carry_out([steps.Step("change it", act)], dry_run=False)
    assert "change it: still going on after" in "".join(lines)
