"""A web host hangs for good while a deployment has its group suspended."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="deploy-hang",
    hypothesis="A host that hangs while a deployment is under way is not reported: it serves again"
    " after the deployment, and nobody replaces it",
    steady_state=probes.WEB,
    fault=faults.hang_while_deployed,
    expected=(
        expectations.none_fails_before(),
        expectations.failures_end(15),
        expectations.none_is_replaced(),
        expectations.none_fails_from(30),
    ),
    rate=20,
    budget=1_000,
    hold_seconds=180,
    alerts=frozenset({"WatchdogActed"}),
    alert_seconds=90,
    other_alerts=expectations.OF_A_HUNG_HOST,
)
