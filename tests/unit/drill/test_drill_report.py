"""The figures of a drill's report, and the report itself."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_drill import ZONE, tiny

from airaware.errors import AirAwareError
from airaware.store.manifest import Held
from tools.drill import expect, model, report
from tools.drill.course import Course, by_second, figures
from tools.drill.runner import Result
from tools.drill.visitors import HOLDING, RESOLVING, Visit
from tools.drill.world import Look, Sample
from tools.fleet.controller import DONE, FAILS
from tools.machine.usage import Usage
from tools.tasks import drill as tasks

RULES = Path(__file__).parents[3] / "modules/profile/files/prometheus/rules"
NODES = {"10.0.0.5": "zone-a", "10.0.1.5": ZONE}


def visit(due: float, ok: bool = True, node: str = "10.0.0.5", kind: str = RESOLVING) -> Visit:
    return Visit(due, 0.005, ok, kind, node, read=ok)


@pytest.fixture
def course() -> Course:
    """Ten visits a second; zone-b is lost from second 10 to 110, and its node's visitors fail:
    those who resolve for 5 s, those who hold on for 62 s; the other node's for 12 s."""
    moments = [tenth / 10 for tenth in range(1300)]
    visits = [
        *(visit(at, ok=not 10 <= at <= 22) for at in moments),
        *(visit(at, not 10 <= at <= 15, "10.0.1.5") for at in moments),
        *(visit(at, not 10 <= at <= 72, "10.0.1.5", HOLDING) for at in moments),
    ]
    samples = [
        Sample(at, {"zone-a": 1, ZONE: 2}, {"zone-a": 1, ZONE: 0 if 20 <= at < 120 else 1}, {})
        for at in range(130)
    ]
    return Course(
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


def test_percentiles_are_by_nearest_rank() -> None:
    visits = [replace(visit(0), seconds=number / 100) for number in range(1, 201)]
    assert figures([*visits, visit(0, ok=False)]) == {
        **{"requests": 201, "failed": 1},
        **{"p50": 1.0, "p95": 1.9, "p99": 1.98},
    }
    assert figures([])["p99"] is None


def test_a_series_has_a_row_a_second() -> None:
    rows = by_second([visit(5.1), visit(5.9, ok=False), visit(7.0)], began=5)
    assert rows == {
        **{"second": [0, 2], "requests": [2, 1], "failed": [1, 0], "p99": [0.005, 0.005]}
    }


def test_times_are_seconds_after_the_fault(course: Course) -> None:
    assert course.times() == {
        **{"detected": 10, "alerted": 22, "moved": 62, "restored": 110},
        **{"returned": 100, "recovered": 111},
    }


def test_hosts_that_another_zone_gains_make_up_for_none(course: Course) -> None:
    course.samples = [
        replace(s, healthy={**s.healthy, "zone-a": 2 if s.at >= 15 else 1}) for s in course.samples
    ]
    assert (course.times()["detected"], course.times()["restored"]) == (10, 110)
    assert expect.replaced(60)(course).met is False


def test_a_zone_has_to_be_out_soon(course: Course) -> None:
    assert expect.zone_carries_nothing()(course).met
    course.samples = [s for s in course.samples if s.at < 10 or s.at > 31]
    assert expect.zone_carries_nothing()(course).met is False


def test_a_lost_zone_is_judged_by_who_was_asked(course: Course) -> None:
    verdicts = {f.expected: f.met for f in (judge(course) for judge in expect.ZONE_IS_LOST)}
    assert all(verdicts.values()), verdicts
    assert expect.failures_end_at_surviving_node(11)(course).met is False
    assert expect.failures_end_for_holders(61)(course).met is False
    assert expect.none_fails()(course).met is False


@pytest.mark.parametrize("expected", expect.ZONE_IS_LOST)
def test_without_visits_nothing_is_met(course: Course, expected) -> None:
    course.visits, course.samples = [], []
    assert expected(course).met is False


def test_slow_answers_after_settling_are_found(course: Course) -> None:
    course.visits = [replace(v, seconds=0.05 if v.due > 71 else 0.005) for v in course.visits]
    assert expect.p99_at_most_doubled()(course).met is False


def test_a_few_slow_seconds_after_settling_do_not_decide(course: Course) -> None:
    slow = [replace(v, seconds=0.5 if 80 < v.due < 90 else 0.005) for v in course.visits]
    course.visits = slow
    finding = expect.p99_at_most_doubled()(course)
    assert finding.met and "5.0 and 500.0 ms over all" in finding.measured


@pytest.mark.parametrize(
    ("slow", "met"),
    [([], True), ([(11, 2.9), (12, 0.6)], True), ([(11, 2.0), (60, 0.6)], True)]
    + [([(11, 2.0), (60, 1.1)], False), ([(at, 0.6) for at in range(20, 26)], False)],
)
def test_slow_answers_count_by_all_the_time_that_they_take(
    course: Course, slow: list[tuple[float, float]], met: bool
) -> None:
    course.visits += [replace(visit(due), seconds=seconds) for due, seconds in slow]
    assert expect.slow_answers_last(3)(course).met is met


def test_the_report_needs_nothing_else(course: Course, tmp_path: Path) -> None:
    drill = replace(tiny(), hypothesis="All <is> well", rate=30)
    result = Result(drill, course, datetime(2026, 11, 25, tzinfo=UTC))
    result.findings = [judge(course) for judge in expect.ZONE_IS_LOST]
    course.looks = [look("zone-a", "1"), look(ZONE, "1"), replace(look(ZONE, "1", 8), at=121)]
    told = report.facts(result, "lab", 1.0, "", "0123456789ab")
    page = report.write(told, result, tmp_path)
    text = page.read_text()
    assert "All &lt;is&gt; well" in text and "<svg" in text and "ZoneInTrouble" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)", text.replace("xlink:href", "xlink"))
    kept = json.loads(page.with_suffix(".json").read_text())
    assert kept["injected"] == "2026-11-25T00:00:10+00:00" and kept["injected"] in text
    assert kept["checksums"] == {"before": {"zone-a": "7", ZONE: "7"}, "after": {ZONE: "8"}}
    assert kept["series"]["servers"][0]["running"] == {"zone-a": 1, ZONE: 2}
    assert kept["place"]["release of the fleet"] == "0123456789ab"
    assert kept["verdict"] == "met" and kept["failed"] == told["failed"]
    assert sum(kept["series"]["visits"]["requests"]) == len(course.visits)
    report.summary([told | {"page": page.name}], tmp_path / "all.html")
    assert page.name in (tmp_path / "all.html").read_text()
    assert report.line(told).startswith("tiny               met      ")


@pytest.mark.parametrize("name", model.names())
def test_every_drill_says_what_it_is(name: str) -> None:
    drill = model.find(name)
    assert drill.name == name
    assert drill.expected and drill.steady_state and drill.hypothesis
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
    world = SimpleNamespace(prometheus=lambda path, **parameters: result)
    with pytest.raises(AirAwareError, match="a drill on production needs 50%"):
        tasks.leave_for_production(world, "why not")


@pytest.mark.parametrize(
    ("words", "reason"), [(["staging"], "why not"), (["production", " "], ""), ([], "why not")]
)
def test_production_needs_its_name_and_a_reason(monkeypatch, words, reason) -> None:
    result = [{"value": [0, "0.9"]}]
    world = SimpleNamespace(
        prometheus=lambda path, **parameters: result, fleet=SimpleNamespace(name="production")
    )
    answers = iter(words)

    def answer(*_: object, **__: object) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(tasks.console, "input", answer)
    with pytest.raises(AirAwareError, match="Nothing was changed"):
        tasks.leave_for_production(world, reason)


def test_production_is_left_with_a_reason(monkeypatch) -> None:
    result = [{"value": [0, "0.9"]}]
    world = SimpleNamespace(
        prometheus=lambda path, **parameters: result, fleet=SimpleNamespace(name="production")
    )
    answers = iter(["production", "the quarter's drill"])
    monkeypatch.setattr(tasks.console, "input", lambda *_, **__: next(answers))
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
def test_what_zones_held_is_judged(course: Course, looks, whole, same, taken) -> None:
    course.looks = [Look(0, "a", None), *(look(*each) for each in looks)]
    judges = (expect.each_zone_whole(), expect.same_checksums(), expect.loads_taken(1, 1))
    assert [judge(course).met for judge in judges] == [whole, same, taken]


def test_jobs_and_roll_outs_are_judged(course: Course) -> None:
    course.jobs = {"first": FAILS, "second": DONE}
    assert expect.jobs_end(FAILS, DONE)(course).met
    assert not expect.jobs_end(DONE, FAILS)(course).met
    assert not expect.jobs_end(DONE)(course).met
    stops = expect.stops_at_one_host()
    assert not stops(course).met
    for reached, stopped, met in (
        (["web"], "x", True),
        (["web"], "", False),
        (["w", "v"], "x", False),
    ):
        course.notes = {"reached": reached, "stopped": stopped}
        assert stops(course).met is met


@pytest.mark.parametrize(
    ("met", "idle", "named"), [(False, 1, True), (True, 1, False), (False, 60, False)]
)
def test_a_missed_drill_names_the_machine_where_that_was_the_limit(
    course: Course, met: bool, idle: float, named: bool
) -> None:
    result = Result(tiny(), course, datetime(2026, 11, 25, tzinfo=UTC))
    result.findings = [model.Finding("few fail", met, "many")]
    result.machine = Usage(2, 30, 99 - 30 - idle, 0, idle, 5.0, 50)
    told = report.facts(result, "lab", 6, "", "0123")
    assert ("the machine, not the fleet, was the limit" in report.line(told)) is named
    assert told["machine"]["others_percent"] == 69 - idle
    text = report.TEMPLATES.get_template("report.html.j2").render(told, picture="")
    assert ("the machine, not the fleet" in text) is named
    assert f"other processes took {69 - idle}%" in text


def test_most_answers_take_a_database(course: Course) -> None:
    judge = expect.answers_take_a_database()
    assert judge(course).met is None
    course.looks = [look(ZONE, "1")]
    assert judge(course).met
    course.visits = [
        replace(visit, read=number % 8 > 0) for number, visit in enumerate(course.visits)
    ]
    assert judge(course).met is False
    course.visits = []
    assert judge(course).met is False
