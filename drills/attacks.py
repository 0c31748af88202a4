"""Clients that hold what they are given, or ask for too much, come through the balancer."""

from tools.drill import expectations, faults, host_expectations, probes
from tools.drill.attackers import KINDS
from tools.drill.model import Drill

DRILL = Drill(
    name="attacks",
    hypothesis="Heads without end, bodies that never come, downloads that nobody reads and clients"
    " that never close take nothing from visitors; one address that floods the site gets 429, a"
    " crowd behind one does not",
    steady_state=probes.DATABASES,
    fault=faults.spike,
    expected=(
        host_expectations.attackers_come(),
        host_expectations.none_fails_but_for_a_flood(),
        host_expectations.attacks_hardly_slow_visitors(),
        host_expectations.who_asks_too_much_is_refused(),
        host_expectations.stays_in_service(),
        expectations.none_is_replaced(),
    ),
    rate=20,
    attacks=tuple(KINDS),
    budget=200,
    before_seconds=30,
    hold_seconds=28,
    other_alerts=frozenset({"SiteSheds", "SiteErrorsFast", "SiteErrorsSlow"}),
)
