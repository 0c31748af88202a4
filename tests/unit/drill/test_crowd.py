"""What drills expect of a crowd that is too large, and of who is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tools.drill import expectations, model, runner
from tools.drill.attackers import KINDS, Attack
from tools.drill.observations import Observations
from tools.drill.visitors import RESOLVING, Visit

GOOD = Visit(0.0, 0.1, True, RESOLVING, "10.0.0.5", status=200)
REFUSED = replace(GOOD, ok=False, status=503, retry=True)


def crowd(*visits: Visit) -> Observations:
    """The visits of 100 seconds; the site can do one each second."""
    observed = Observations("zone-b", 0.0, breaking=10, injected=10, returned=120, crowded=10)
    observed.capacity, observed.crowd_gone = 1.0, 110
    observed.visits = [replace(visit, due=10.0 + turn / 100) for turn, visit in enumerate(visits)]
    return observed


@pytest.mark.parametrize(
    ("slow", "others", "met"),
    [
        (replace(REFUSED, seconds=0.9), [REFUSED] * 99, True),
        (replace(REFUSED, seconds=1.1), [REFUSED] * 50, False),
        (replace(REFUSED, status=0), [REFUSED] * 50, False),
        (replace(REFUSED, retry=False), [REFUSED] * 50, False),
        (replace(REFUSED, status=429), [replace(REFUSED, seconds=0.3)] * 50, False),
        (GOOD, [], True),
    ],
    ids=["soon", "one late in fifty", "no answer", "no host", "half late", "none failed"],
)
def test_who_is_not_answered_is_refused_soon(slow: Visit, others: list[Visit], met: bool) -> None:
    assert expectations.failures_are_refusals(0.2, 1.0)(crowd(slow, *others)).met == met


@pytest.mark.parametrize(("good", "met"), [(80, True), (79, False)])
def test_a_crowd_leaves_what_the_site_can_do(good: int, met: bool) -> None:
    observed = crowd(*[GOOD] * good, *[REFUSED] * (100 - good))
    assert expectations.carries_its_capacity()(observed).met == met


@pytest.mark.parametrize(
    ("late", "met"),
    [
        (GOOD, True),
        (replace(GOOD, seconds=0.2), True),
        (replace(GOOD, seconds=0.21), False),
        (REFUSED, False),
    ],
    ids=["as before", "doubled", "slower", "refused"],
)
def test_soon_after_a_crowd_all_is_as_before(late: Visit, met: bool) -> None:
    observed = crowd()
    before = [replace(GOOD, due=float(second)) for second in range(10)]
    overhang = replace(REFUSED, due=119.9)
    observed.visits = [*before, overhang, replace(late, due=120.1)]
    finding = expectations.calm_after_crowd(10)(observed)
    assert finding.met == met, finding.measured


@pytest.mark.parametrize(("due", "met"), [(124.9, True), (125.1, False)])
def test_a_while_after_the_return_none_fails(due: float, met: bool) -> None:
    observed = crowd()
    observed.visits = [replace(REFUSED, due=due), replace(GOOD, due=130.0)]
    assert expectations.none_fails_from(5)(observed).met == met


@pytest.mark.parametrize(
    ("due", "seconds", "met"),
    [
        (49.9, 0.2, True),
        (51.9, 0.6, True),
        (49.0, 0.9, False),
        (52.1, 0.1, False),
        (80.0, 0.1, False),
    ],
    ids=["under way", "meanwhile", "over before", "just after", "later"],
)
def test_only_what_is_under_way_at_a_restart_may_fail(
    due: float, seconds: float, met: bool
) -> None:
    observed = crowd(GOOD)
    observed.notes["restarted"] = 50.0, 52.0
    observed.visits.append(replace(REFUSED, due=due, seconds=seconds))
    finding = expectations.only_those_under_way_fail()(observed)
    assert finding.met == met, finding.measured
    assert "1 of 2 failed (1 with 503 and Retry-After): " in finding.measured


def test_without_a_restart_nothing_is_under_way() -> None:
    assert expectations.only_those_under_way_fail()(crowd(GOOD)).met is False


def test_attacks_come_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    come: list[tuple[Any, ...]] = []

    @contextmanager
    def attacking(*given: Any) -> Iterator[Attack]:
        come.append(given)
        yield Attack(given[2], 0)

    monkeypatch.setattr(runner, "attacking", attacking)
    region = SimpleNamespace(outside=lambda: ("out",), one_visitor=lambda: "192.0.2.1")
    world: Any = SimpleNamespace(site="http://site", fleet=SimpleNamespace(region=region))
    drill, observed = replace(model.find("attacks"), hold_seconds=0), crowd()
    runner._attack(drill, observed, world, [], print)
    assert [each.kind for each in observed.attacks] == list(KINDS)
    assert come == [(("out",), "http://site", kind, "192.0.2.1") for kind in KINDS]


def test_a_finding_says_how_requests_failed() -> None:
    finding = expectations.failures_end(15)(crowd(GOOD, REFUSED, REFUSED, replace(GOOD, ok=False)))
    how = "1 with 200, 2 with 503 and Retry-After"
    assert finding.measured.startswith(f"3 of 4 failed ({how}), the last 0.0 s")
    finding = expectations.none_fails()(crowd(GOOD, replace(REFUSED, status=0)))
    assert finding.measured == "1 of 2 failed (1 with no answer)"
    assert expectations.none_fails()(crowd(GOOD)).measured == "0 of 1 failed"


@pytest.mark.parametrize(("slow", "met"), [(2, True), (3, False)])
def test_few_answers_are_slow(slow: int, met: bool) -> None:
    observed = crowd(*[replace(GOOD, seconds=2.0)] * slow, *[GOOD] * (100 - slow))
    assert expectations.few_slow_answers(0.02)(observed).met == met


@pytest.mark.parametrize("bad_answer", [REFUSED, replace(GOOD, seconds=1.0)])
def test_a_ramp_finds_what_the_site_can_do(
    monkeypatch: pytest.MonkeyPatch, bad_answer: Visit
) -> None:
    """It ends with the first rate at which more than 1% have no good answer within a second."""
    rates: list[float] = []

    @contextmanager
    def coming(_outside: Any, _site: str, rate: float, paths: Any) -> Iterator[Any]:
        rates.append(rate)
        assert paths == ("/street",)
        bad = replace(bad_answer, due=float("inf"))
        visits = [*[replace(GOOD, due=float("inf"))] * 98, *[bad] * (2 if rate > 40 else 1)]
        visits += visits[:1] * (100 - len(visits))
        yield SimpleNamespace(visits=visits, process=SimpleNamespace(poll=lambda: None))

    monkeypatch.setattr(runner, "coming", coming)
    monkeypatch.setattr(runner, "RAMP_SECONDS", 0)
    drill = replace(model.find("overload"), ramp=(20, 40, 80, 160), spike_path="/street")
    world: Any = SimpleNamespace(
        site="", fleet=SimpleNamespace(region=SimpleNamespace(outside=tuple))
    )
    observed, visitors = crowd(), list[Any]()
    assert runner._rate_of_crowd(drill, observed, world, visitors, print) == 3 * 45 - 5
    assert observed.capacity == 45
    assert rates == [20, 40, 80]
    assert len(visitors) == 3
