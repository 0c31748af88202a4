"""The balancer loses one zone at the peak: its targets are deregistered and drain.

A balancer has to keep two subnets, so its own node there stays.
"""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="zone-detach",
    hypothesis="A zone can be taken from the balancer at the peak, and given back, without a"
    " failed request",
    steady_state=probes.WEB,
    fault=faults.detach,
    expected=(
        expectations.none_fails(),
        expectations.zone_carries_nothing(),
        expectations.p99_at_most_doubled(),
    ),
    rate=120,
    budget=100,
    hold_seconds=75,
    other_alerts=frozenset({"ZoneInTrouble", "TargetsMissing"}),
)
