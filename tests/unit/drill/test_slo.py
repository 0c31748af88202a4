"""docs/slo.md has each drill's target of detection."""

import re

import pytest

from tools.drill import model
from tools.machine.checkout import CHECKOUT

ROW = re.compile(r"^\| `(?P<drill>[\w-]+)` \| (?P<alerts>[^|]*)\| (?P<seconds>[^|]*)\|", re.M)
ROWS = {row["drill"]: row for row in ROW.finditer((CHECKOUT / "docs" / "slo.md").read_text())}


def test_every_drill_has_its_row() -> None:
    assert list(ROWS) == model.names()


@pytest.mark.parametrize("name", model.names())
def test_a_row_has_the_drills_alerts_and_their_time(name: str) -> None:
    drill, row = model.find(name), ROWS[name]
    assert set(re.findall(r"\*(\w+)\*", row["alerts"])) == drill.alerts
    assert row["seconds"].strip() == (f"{drill.alert_seconds:g}" if drill.alerts else "")
