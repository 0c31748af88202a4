"""A bad release is rolled out; the operator takes it back."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="bad-deploy",
    hypothesis="A bad release stops at one web host, and no visitor notices",
    steady_state=probes.WEB,
    fault=faults.release_badly,
    expected=(expectations.none_fails(), expectations.stops_at_one_host()),
    usual_zone=min,  # where a roll-out begins
    rate=120,
    budget=500,
    hold_seconds=10,
    other_alerts=frozenset(
        {"HostDown", "TargetDown", "TargetsMissing", "UnitFailed", "ZoneInTrouble"}
    ),
)
