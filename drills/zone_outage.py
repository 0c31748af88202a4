"""A zone's network is cut off, in and out, while visitors come."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="zone-outage",
    hypothesis="Where a zone's network is gone, the other zone carries all within seconds, and"
    " nobody notices the return",
    steady_state=probes.WEB,
    fault=faults.deny_network,
    expected=(*expectations.ZONE_IS_LOST, expectations.answers_take_a_database()),
    rate=120,
    budget=4_000,
    hold_seconds=125,
    alerts=frozenset({"ZoneInTrouble"}),
    alert_seconds=110,
    other_alerts=expectations.OF_A_LOST_ZONE,
)
