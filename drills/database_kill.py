"""A zone's database is killed, and refuses connections."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="database-kill",
    hypothesis="Where a zone's database is killed, the other zone's answers, slowly for at most"
    " three seconds",
    steady_state=probes.DATABASES,
    fault=faults.kill_database,
    expected=expectations.OTHER_ZONE_ANSWERS,
    rate=120,
    budget=500,
    hold_seconds=90,
    alerts=frozenset({"DatabaseDown"}),
    alert_seconds=80,
    other_alerts=frozenset({"ZonePassedOver", "ZonesUnequal", "UnitFailed"}),
)
