"""A zone's database is killed, and refuses connections."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="database-kill",
    hypothesis="Where a zone's database is killed, the other zone's answers, slowly for at most"
    " three seconds",
    steady_state=steady.DATABASES,
    fault=faults.kill_database,
    expected=expect.OTHER_ZONE_ANSWERS,
    rate=120,
    budget=500,
    hold_seconds=90,
    alerts=frozenset({"DatabaseDown"}),
    alert_seconds=80,
    other_alerts=frozenset({"ZonePassedOver", "ZonesUnequal", "UnitFailed"}),
)
