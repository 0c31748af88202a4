"""One worker of the site hangs; the others answer."""

from tools.drill import expectations, faults, host_expectations, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="worker-hang",
    hypothesis="A worker that hangs is replaced within seconds; only requests that it had taken"
    " fail, and the balancer notices nothing",
    steady_state=probes.WEB,
    fault=faults.hang_worker,
    expected=(
        expectations.none_fails_before(),
        host_expectations.healed(15),
        expectations.failures_end(1),
        host_expectations.stays_in_service(),
        expectations.none_is_replaced(),
        expectations.none_fails_after(),
    ),
    rate=60,
    budget=10,
    hold_seconds=45,
    alerts=frozenset({"WatchdogActed"}),
    alert_seconds=60,
    other_alerts=frozenset({"SiteErrorsFast", "SiteErrorsSlow"}),
)
