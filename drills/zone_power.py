"""The power of a zone fails: its hosts stop, and none can be launched there."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="zone-power",
    hypothesis="Where a zone's power fails, the other zone carries all within seconds; with the"
    " power hosts come back, and nobody notices",
    steady_state=steady.WEB,
    fault=faults.cut_power,
    expected=expect.ZONE_IS_LOST,
    rate=120,
    budget=4_000,
    hold_seconds=100,
    # EC2 no longer says that these hosts run, so none of them is missed.
    other_alerts=frozenset(
        {
            "ZoneInTrouble",
            "HostDown",
            "HostReplaced",
            "TargetsMissing",
            "SiteErrorsFast",
            "DatabaseDown",
            "ZonePassedOver",
        }
    ),
)
