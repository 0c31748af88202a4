"""A zone's database falls silent: packets from it are dropped."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="database-silent",
    hypothesis="Where a zone's database falls silent, the other zone's answers, slowly for at most"
    " three seconds",
    steady_state=probes.DATABASES,
    fault=faults.silence_database,
    expected=expectations.OTHER_ZONE_ANSWERS,
    rate=120,
    budget=500,
    hold_seconds=120,
    # Its exporter asks it by a Unix socket, and finds it well.
    alerts=frozenset({"ZonePassedOver"}),
    alert_seconds=110,
    other_alerts=frozenset({"UnitFailed"}),
)
