"""The dashboards, and the page of them; tests/component has Prometheus parse their queries."""

import re
from pathlib import Path

import yaml
from promtool import CHECKOUT

from airaware.host.dashboards import page, panels

RULES = CHECKOUT / "modules" / "profile" / "files" / "prometheus" / "rules"
QUERIES = page.queries(panels.all_of_them())


def test_what_the_panels_take_from_rules_is_recorded() -> None:
    recorded = {
        rule["record"]
        for path in RULES.glob("*.yaml")
        if not path.stem.endswith("_test")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    asked = {name for _, expr in QUERIES for name in re.findall(r"\w+:\w+:\w+", expr)}
    assert asked
    assert asked <= recorded


def test_the_first_panel_is_the_originals() -> None:
    assert QUERIES[0] == (
        "AirAware: fleet: CPU of the web hosts, by zone",
        "zone:web_cpu:ratio",
    )


def test_grafana_is_given_all_panels(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["panels", str(tmp_path)])
    panels.main()
    files = sorted(tmp_path.glob("*.json"))
    assert len(files) == len({each.uid for each in panels.all_of_them()}) == 7
    for path in files:
        dashboard = yaml.safe_load(path.read_text())
        assert dashboard["panels"]
        for panel in dashboard["panels"]:
            assert panel["title"]
            assert panel["datasource"]["uid"] == "prometheus"
            refs = [target["refId"] for target in panel["targets"]]
            assert refs
            assert "" not in refs
            assert len(set(refs)) == len(refs)


def test_labels_of_a_legend() -> None:
    labels = {"zone": "us-west-2a", "host": "web"}
    assert page.label("{{host}} in {{ zone }}{{gone}}", labels) == "web in us-west-2a"


def test_what_happened_twice_is_marked_twice() -> None:
    assert page.runs([None, 1, 1, None, None, 1, None]) == [(1, 2), (5, 5)]
    assert page.runs([None]) == []
    assert page.runs([1, 1]) == [(0, 1)]
