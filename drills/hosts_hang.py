"""A web host of each zone hangs, and hangs again whenever it is restarted; another is well."""

from tools.drill import expectations, faults, host_expectations, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="hosts-hang",
    hypothesis="Hosts whose restarts do not help report themselves and are replaced, the one with"
    " the lowest id first, the other once its successor serves",
    steady_state=probes.WEB,
    fault=faults.hang_hosts,
    expected=(
        expectations.none_fails_before(),
        expectations.failures_end(15),
        host_expectations.replaced_one_by_one(240),
        expectations.none_fails_after(),
    ),
    rate=20,
    budget=1_000,
    hold_seconds=260,
    alerts=frozenset({"WatchdogActed"}),
    alert_seconds=90,
    other_alerts=expectations.OF_A_HUNG_HOST,
    in_every_zone=True,
)
