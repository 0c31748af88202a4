"""Prometheus' rules: each file is right and tested, and each alert has its page of the runbook."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from promtool import CHECKOUT, check

from airaware.host.dashboards import page, panels
from airaware.host.prometheus import ERROR_BUDGET_LEFT
from tools.drill import probes

RULES = CHECKOUT / "modules" / "profile" / "files" / "prometheus" / "rules"
FILES = sorted(path for path in RULES.glob("*.yaml") if not path.stem.endswith("_test"))
RUNBOOK = CHECKOUT / "docs" / "operations.md"


def alerts(path: Path) -> Iterator[dict]:
    """The alerts of a rules file."""
    for group in yaml.safe_load(path.read_text())["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def fired(path: Path) -> set[str]:
    """The alerts that a file of promtool tests expects to fire."""
    return {
        name
        for test in yaml.safe_load(path.read_text())["tests"]
        for asked in test["promql_expr_test"]
        for sample in asked["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(path: Path) -> None:
    accepted, output = check("promtool", "check", "rules", path)
    assert accepted, output
    beside = path.with_name(f"{path.stem}_test.yaml")
    accepted, output = check("promtool", "test", "rules", beside)
    assert accepted, output
    assert fired(beside) == {alert["alert"] for alert in alerts(path)}, "each alert fires in a test"


def test_a_bad_rule_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("groups: [{name: a, rules: [{alert: A, expr: 'sum(up'}]}]")
    accepted, output = check("promtool", "check", "rules", path)
    assert not accepted
    assert "unclosed left parenthesis" in output


def test_a_drill_on_production_asks_for_the_budget_that_the_dashboard_shows() -> None:
    assert ERROR_BUDGET_LEFT in {expr for _, expr in page.queries(panels.all_of_them())}


@pytest.mark.parametrize(("values", "pages"), [("1 1 1 1 1", 1), ("1 1 _ _ _", 0)])
def test_what_fired_before_prometheus_was_started_anew_does_not_count(
    tmp_path: Path, values: str, pages: int
) -> None:
    """One that Prometheus itself finds to have ended is marked as stale; there nobody did."""
    path = tmp_path / "pages_test.yaml"
    fired = 'ALERTS{alertname="DatabaseDown", alertstate="firing", severity="page"}'
    asked = {
        "expr": probes.PAGES,
        "eval_time": "1m",
        "exp_samples": [{"labels": "{}", "value": pages}],
    }
    series = {
        "interval": "15s",
        "input_series": [{"series": fired, "values": values}],
        "promql_expr_test": [asked],
    }
    path.write_text(yaml.safe_dump({"tests": [series]}))
    accepted, output = check("promtool", "test", "rules", path)
    assert accepted, output


def test_each_alert_has_its_heading_and_each_heading_its_alert() -> None:
    told = [alert for path in FILES for alert in alerts(path)]
    names = {alert["alert"] for alert in told}
    assert len(names) == len(told), "a name is given twice"
    assert set(re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE)) == names
    for alert in told:
        assert alert["labels"]["severity"] in ("page", "ticket", "note"), alert["alert"]
        assert alert["annotations"].keys() == {"summary", "description", "runbook"}
        assert alert["annotations"]["runbook"] == f"docs/operations.md#{alert['alert'].lower()}"


def test_prometheus_takes_every_query_of_the_dashboards(tmp_path: Path) -> None:
    queries = page.queries(panels.all_of_them())
    marks = [(name, expr) for name, (expr, _, _) in panels.ANNOTATIONS.items()]
    rules = [
        {"record": f"panel:{number}", "expr": expr, "labels": {"panel": title}}
        for number, (title, expr) in enumerate([*queries, *marks])
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    accepted, output = check("promtool", "check", "rules", path)
    assert accepted, output
