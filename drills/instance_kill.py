"""A web host is terminated."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="instance-kill",
    hypothesis="A lost web host costs errors for seconds, and is replaced within a minute",
    steady_state=probes.WEB,
    fault=faults.kill_web_host,
    expected=(
        expectations.none_fails_before(),
        expectations.failures_end(15),
        expectations.replaced(60),
        expectations.none_fails_after(),
    ),
    rate=120,
    budget=1_500,
    hold_seconds=75,
    other_alerts=frozenset({"HostDown", "ZoneInTrouble", "SiteErrorsFast", "SiteErrorsSlow"}),
)
