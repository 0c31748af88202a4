"""The power of a zone fails: its hosts stop, and none can be launched there."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="zone-power",
    hypothesis="Where a zone's power fails, the other zone carries all within seconds; with the"
    " power hosts come back, and nobody notices",
    steady_state=probes.WEB,
    fault=faults.cut_power,
    expected=expectations.ZONE_IS_LOST,
    rate=120,
    budget=4_000,
    hold_seconds=130,
    alerts=frozenset({"ZoneInTrouble"}),
    alert_seconds=120,
    other_alerts=expectations.OF_A_LOST_ZONE,
)
