"""The figures of a drill's report, and the report itself."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_drill import ZONE, tiny

from airaware.errors import AirAwareError
from airaware.store.manifest import Held
from tools.drill import expectations, model, report
from tools.drill.observations import Observations, by_second, request_statistics
from tools.drill.runner import Result
from tools.drill.visitors import HOLDING, RESOLVING, Visit
from tools.drill.world import Look, Sample
from tools.fleet.controller import DONE, FAILS
from tools.machine.steps import console
from tools.machine.usage import Usage
from tools.tasks import drill as tasks

RULES = Path(__file__).parents[3] / "modules/profile/files/prometheus/rules"
NODES = {"10.0.0.5": "zone-a", "10.0.1.5": ZONE}


def visit(due: float, ok: bool = True, node: str = "10.0.0.5", kind: str = RESOLVING) -> Visit:
    return Visit(due, 0.005, ok, kind, node, read=ok)


@pytest.fixture
def observed() -> Observations:
    """Ten visits a second; zone-b is lost from second 10 to 110, and its node's visitors fail:
    those who resolve for 5 s, those who hold on for 62 s; the other node's for 12 s."""
    moments = [tenth / 10 for tenth in range(1300)]
    visits = [
        *(visit(at, ok=not 10 <= at <= 22) for at in moments),
        *(visit(at, not 10 <= at <= 15, "10.0.1.5") for at in moments),
        *(visit(at, not 10 <= at <= 72, "10.0.1.5", HOLDING) for at in moments),
    ]
    members = {"zone-a": frozenset({"i-a"}), ZONE: frozenset({"i-b"})}
    samples = [
        Sample(
            at,
            {"zone-a": 1, ZONE: 2},
            {"zone-a": 1, ZONE: 0 if 20 <= at < 120 else 1},
            {"i-a": "healthy", "i-b": "unhealthy" if 20 <= at < 120 else "healthy"},
            {"zone-a": 1, ZONE: 1},
            members,
        )
        for at in range(130)
    ]
    return Observations(
        zone=ZONE,
        began=0,
        breaking=10,
        injected=10,
        returned=110,
        recovered=121,
        ended=130,
        nodes=NODES,
        visits=visits,
        samples=samples,
        cpu={"zone-a": [(5, 20.0), (15, 40.0)], ZONE: []},
        alerts=[("ZoneInTrouble", 32, 115)],
    )


WELL = Sample(0, {}, {ZONE: 1}, {"i-1": "healthy"}, {ZONE: 1}, {ZONE: frozenset({"i-1"})})
HUNG = replace(WELL, healthy={ZONE: 0}, states={"i-1": "unhealthy"})
GROWN = replace(
    WELL,
    healthy={ZONE: 2},
    states={"i-1": "healthy", "i-2": "healthy"},
    wanted={ZONE: 2},
    members={ZONE: frozenset({"i-1", "i-2"})},
)
OTHER = replace(WELL, states={"i-2": "healthy"}, members={ZONE: frozenset({"i-2"})})


def course(*samples: tuple[int, Sample]) -> list[Sample]:
    """A sample a second: each of these from its second on."""
    changes = dict(samples)
    return [
        replace(changes[max(second for second in changes if second <= at)], at=at)
        for at in range(130)
    ]


@pytest.mark.parametrize(
    ("samples", "measured", "met"),
    [
        ([(0, WELL)], "none was taken out", True),
        ([(0, WELL), (20, HUNG), (40, WELL)], "one was out of service until 29.0 s", True),
        ([(0, WELL), (20, HUNG), (60, WELL)], "one was out of service until 49.0 s", False),
        ([(0, WELL), (20, HUNG)], "one was out of service until 119.0 s", False),
        ([(0, WELL), (50, GROWN), (60, WELL)], "none was taken out", True),
        ([(0, GROWN), (50, OTHER)], "none was taken out", True),
    ],
    ids=["unnoticed", "soon", "late", "never", "grown and shrunk", "given up"],
)
def test_who_served_serves_again(
    observed: Observations, samples: list[tuple[int, Sample]], measured: str, met: bool
) -> None:
    observed.samples = course(*samples)
    finding = expectations.serves_again(30)(observed)
    assert (finding.met, finding.measured) == (met, measured)


@pytest.mark.parametrize(
    ("samples", "met"),
    [
        ([(0, WELL)], True),
        ([(0, WELL), (50, OTHER)], False),
        ([(0, GROWN), (50, OTHER)], True),
        ([(0, WELL), (20, GROWN), (50, OTHER)], True),
        ([(0, WELL), (20, GROWN), (50, replace(GROWN, members=OTHER.members))], False),
    ],
    ids=["same", "replaced", "smaller", "grown and smaller", "replaced in a larger group"],
)
def test_a_group_that_grows_or_shrinks_replaces_nobody(
    observed: Observations, samples: list[tuple[int, Sample]], met: bool
) -> None:
    observed.samples = course(*samples)
    assert expectations.none_is_replaced()(observed).met == met


def test_a_host_that_was_given_up_is_not_lost(observed: Observations) -> None:
    observed.samples = course((0, GROWN), (50, OTHER))
    assert observed.times()["detected"] is None
    observed.samples = course((0, GROWN), (50, replace(OTHER, wanted={ZONE: 2})), (70, GROWN))
    assert (observed.times()["detected"], observed.times()["restored"]) == (40, 60)


def test_a_further_host_counts_though_another_is_given_up(observed: Observations) -> None:
    observed.samples = course((0, WELL), (50, OTHER))
    assert expectations.grown(60)(observed).met
    assert not expectations.grown(30)(observed).met


def test_percentiles_are_by_nearest_rank() -> None:
    visits = [replace(visit(0), seconds=number / 100) for number in range(1, 201)]
    assert request_statistics([*visits, visit(0, ok=False)]) == {
        **{"requests": 201, "failed": 1},
        **{"p50": 1.0, "p95": 1.9, "p99": 1.98},
    }
    assert request_statistics([])["p99"] is None


def test_a_series_has_a_row_a_second() -> None:
    rows = by_second([visit(5.1), visit(5.9, ok=False), visit(7.0)], began=5)
    assert rows == {
        **{"second": [0, 2], "requests": [2, 1], "failed": [1, 0], "p99": [0.005, 0.005]}
    }


def test_times_are_seconds_after_the_fault(observed: Observations) -> None:
    assert observed.times() == {
        **{"detected": 10, "alerted": 22, "moved": 62, "restored": 110},
        **{"returned": 100, "recovered": 111},
    }


def test_hosts_that_another_zone_gains_make_up_for_none(observed: Observations) -> None:
    observed.samples = [
        replace(s, healthy={**s.healthy, "zone-a": 2 if s.at >= 15 else 1})
        for s in observed.samples
    ]
    assert (observed.times()["detected"], observed.times()["restored"]) == (10, 110)
    assert expectations.replaced(60)(observed).met is False


def test_a_zone_has_to_be_out_soon(observed: Observations) -> None:
    assert expectations.zone_carries_nothing()(observed).met
    observed.samples = [s for s in observed.samples if s.at < 10 or s.at > 31]
    assert expectations.zone_carries_nothing()(observed).met is False


def test_a_lost_zone_is_judged_by_who_was_asked(observed: Observations) -> None:
    verdicts = {f.expected: f.met for f in (judge(observed) for judge in expectations.ZONE_IS_LOST)}
    assert all(verdicts.values()), verdicts
    assert expectations.failures_end_at_surviving_node(11)(observed).met is False
    assert expectations.failures_end_for_holders(61)(observed).met is False
    assert expectations.none_fails()(observed).met is False


@pytest.mark.parametrize("expected", expectations.ZONE_IS_LOST)
def test_without_visits_nothing_is_met(observed: Observations, expected) -> None:
    observed.visits, observed.samples = [], []
    assert expected(observed).met is False


def test_slow_answers_after_settling_are_found(observed: Observations) -> None:
    observed.visits = [replace(v, seconds=0.05 if v.due > 71 else 0.005) for v in observed.visits]
    assert expectations.p99_at_most_doubled()(observed).met is False


def test_a_few_slow_seconds_after_settling_do_not_decide(observed: Observations) -> None:
    slow = [replace(v, seconds=0.5 if 80 < v.due < 90 else 0.005) for v in observed.visits]
    observed.visits = slow
    finding = expectations.p99_at_most_doubled()(observed)
    assert finding.met
    assert "5.0 and 500.0 ms over all" in finding.measured


@pytest.mark.parametrize(
    ("slow", "met"),
    [
        ([], True),
        ([(11, 2.9), (12, 0.6)], True),
        ([(11, 2.0), (60, 0.6)], True),
        ([(11, 2.0), (60, 1.1)], False),
        ([(at, 0.6) for at in range(20, 26)], False),
    ],
)
def test_slow_answers_count_by_all_the_time_that_they_take(
    observed: Observations, slow: list[tuple[float, float]], met: bool
) -> None:
    observed.visits += [replace(visit(due), seconds=seconds) for due, seconds in slow]
    assert expectations.slow_answers_last(3)(observed).met is met


def test_the_report_needs_nothing_else(observed: Observations, tmp_path: Path) -> None:
    drill = replace(tiny(), hypothesis="All <is> well", rate=30)
    result = Result(drill, observed, datetime(2026, 11, 25, tzinfo=UTC))
    result.findings = [judge(observed) for judge in expectations.ZONE_IS_LOST]
    observed.looks = [look("zone-a", "1"), look(ZONE, "1"), replace(look(ZONE, "1", 8), at=121)]
    told = report.facts(result, "lab", 1.0, "", "0123456789ab")
    page = report.write(told, result, tmp_path)
    text = page.read_text()
    assert "All &lt;is&gt; well" in text
    assert "<svg" in text
    assert "ZoneInTrouble" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)", text.replace("xlink:href", "xlink"))
    kept = json.loads(page.with_suffix(".json").read_text())
    assert kept["injected"] == "2026-11-25T00:00:10+00:00"
    assert kept["injected"] in text
    assert kept["checksums"] == {"before": {"zone-a": "7", ZONE: "7"}, "after": {ZONE: "8"}}
    assert kept["series"]["servers"][0]["running"] == {"zone-a": 1, ZONE: 2}
    assert kept["place"]["release of the fleet"] == "0123456789ab"
    assert kept["verdict"] == "met"
    assert kept["failed"] == told["failed"]
    assert sum(kept["series"]["visits"]["requests"]) == len(observed.visits)
    report.summary([told | {"page": page.name}], tmp_path / "all.html")
    assert page.name in (tmp_path / "all.html").read_text()
    assert report.line(told).startswith("tiny               met      ")


@pytest.mark.parametrize("name", model.names())
def test_every_drill_says_what_it_is(name: str) -> None:
    drill = model.find(name)
    assert drill.name == name
    assert drill.expected
    assert drill.steady_state
    assert drill.hypothesis
    assert drill.hold_seconds > 0
    rules = "\n".join(path.read_text() for path in RULES.glob("*.yaml"))
    alerts = re.findall(r"alert: (\w+)\n.*?severity: (\w+)", rules, re.DOTALL)
    assert drill.alerts | drill.other_alerts <= {a for a, severity in alerts if severity != "note"}


def test_a_drill_that_was_refused_has_its_line_and_its_row(tmp_path: Path) -> None:
    told = report.refused(tiny(), ZONE, "The steady state does not hold")
    assert report.line(told) == "tiny               refused  The steady state does not hold"
    report.summary([told], tmp_path / "all.html")
    assert "0 of 1 hypotheses were met" in (tmp_path / "all.html").read_text()


@pytest.mark.parametrize("left", [None, 0.2])
def test_production_needs_its_error_budget(left: float | None) -> None:
    result = None if left is None else [{"value": [0, str(left)]}]
    world: Any = SimpleNamespace(prometheus=lambda _path, **_parameters: result)
    with pytest.raises(AirAwareError, match="a drill on production needs 50%"):
        tasks.leave_for_production(world, "why not")


@pytest.mark.parametrize(
    ("words", "reason"), [(["staging"], "why not"), (["production", " "], ""), ([], "why not")]
)
def test_production_needs_its_name_and_a_reason(monkeypatch, words, reason) -> None:
    result = [{"value": [0, "0.9"]}]
    world: Any = SimpleNamespace(
        prometheus=lambda _path, **_parameters: result, fleet=SimpleNamespace(name="production")
    )
    answers = iter(words)

    def answer(*_: object, **__: object) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(console, "input", answer)
    with pytest.raises(AirAwareError, match="Nothing was changed"):
        tasks.leave_for_production(world, reason)


def test_production_is_left_with_a_reason(monkeypatch) -> None:
    result = [{"value": [0, "0.9"]}]
    world: Any = SimpleNamespace(
        prometheus=lambda _path, **_parameters: result, fleet=SimpleNamespace(name="production")
    )
    answers = iter(["production", "the quarter's drill"])
    monkeypatch.setattr(console, "input", lambda *_, **__: next(answers))
    assert tasks.leave_for_production(world, "") == "the quarter's drill"


def look(zone: str, attempt: str, checksum: int = 7, found: int | None = None) -> Look:
    sums = Decimal(checksum), Decimal(checksum if found is None else found)
    return Look(0, zone, Held(attempt, "ab", sums[0], {}, sums[1], {}))


@pytest.mark.parametrize(
    ("looks", "whole", "same", "taken"),
    [
        ([("a", "1"), (ZONE, "1"), ("a", "2"), (ZONE, "2")], True, True, True),
        ([("a", "1"), (ZONE, "1"), ("a", "2"), (ZONE, "1")], True, True, False),
        ([("a", "1"), (ZONE, "1"), ("a", "2", 8), (ZONE, "2", 8)], True, False, True),
        ([("a", "1"), (ZONE, "1"), ("a", "2"), (ZONE, "2", 7, 6)], False, True, True),
        ([], False, False, False),
    ],
)
def test_what_zones_held_is_judged(observed: Observations, looks, whole, same, taken) -> None:
    observed.looks = [Look(0, "a", None), *(look(*each) for each in looks)]
    judges = (
        expectations.each_zone_whole(),
        expectations.same_checksums(),
        expectations.loads_taken(1, 1),
    )
    assert [judge(observed).met for judge in judges] == [whole, same, taken]


def test_jobs_and_roll_outs_are_judged(observed: Observations) -> None:
    observed.jobs = {"first": FAILS, "second": DONE}
    assert expectations.jobs_end(FAILS, DONE)(observed).met
    assert not expectations.jobs_end(DONE, FAILS)(observed).met
    assert not expectations.jobs_end(DONE)(observed).met
    stops = expectations.stops_at_one_host()
    assert not stops(observed).met
    for reached, stopped, met in (
        (["web"], "x", True),
        (["web"], "", False),
        (["w", "v"], "x", False),
    ):
        observed.notes = {"reached": reached, "stopped": stopped}
        assert stops(observed).met is met


@pytest.mark.parametrize(
    ("met", "idle", "named"), [(False, 1, True), (True, 1, False), (False, 60, False)]
)
def test_a_missed_drill_names_the_machine_where_that_was_the_limit(
    observed: Observations, met: bool, idle: float, named: bool
) -> None:
    result = Result(tiny(), observed, datetime(2026, 11, 25, tzinfo=UTC))
    result.findings = [model.Finding("few fail", met, "many")]
    result.machine = Usage(2, 30, 99 - 30 - idle, 0, idle, 5.0, 50)
    told = report.facts(result, "lab", 6, "", "0123")
    assert ("the machine, not the fleet, was the limit" in report.line(told)) is named
    assert told["machine"]["others_percent"] == 69 - idle
    text = report.TEMPLATES.get_template("report.html.j2").render(told, picture="")
    assert ("the machine, not the fleet" in text) is named
    assert f"other processes took {69 - idle}%" in text


def test_most_answers_take_a_database(observed: Observations) -> None:
    judge = expectations.answers_take_a_database()
    assert judge(observed).met is None
    observed.looks = [look(ZONE, "1")]
    assert judge(observed).met
    observed.visits = [
        replace(visit, read=number % 8 > 0) for number, visit in enumerate(observed.visits)
    ]
    assert judge(observed).met is False
    observed.visits = []
    assert judge(observed).met is False
