"""Many more visitors come at once."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="traffic-spike",
    hypothesis="A crowd is carried by what is there, and soon by more servers",
    steady_state=probes.WEB,
    fault=faults.spike,
    expected=(expectations.none_fails(), expectations.grown(120)),
    rate=60,
    spike_rate=200,  # each zone's one host is well above its target then
    budget=500,
    hold_seconds=150,
    other_alerts=frozenset({"SiteSheds"}),
)
