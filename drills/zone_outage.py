"""A zone's network is cut off, in and out, while visitors come."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="zone-outage",
    hypothesis="Where a zone's network is gone, the other zone carries all within seconds, and"
    " nobody notices the return",
    steady_state=steady.WEB,
    fault=faults.deny_network,
    expected=(*expect.ZONE_IS_LOST, expect.answers_take_a_database()),
    rate=120,
    budget=4_000,
    hold_seconds=125,
    alerts=frozenset({"ZoneInTrouble"}),
    alert_seconds=110,
    other_alerts=expect.OF_A_LOST_ZONE,
)
