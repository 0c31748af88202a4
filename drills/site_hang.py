"""All web hosts hang, and hang again whenever they are restarted."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="site-hang",
    hypothesis="The last hosts stay for a person to look at: while none is healthy, none is"
    " reported, and nobody replaces them",
    steady_state=probes.WEB,
    fault=faults.hang_all_hosts,
    expected=(
        expectations.none_fails_before(),
        expectations.none_is_replaced(),
        expectations.none_fails_from(30),
    ),
    rate=20,
    budget=10_000,
    hold_seconds=180,
    alerts=frozenset({"SiteDown", "WatchdogActed"}),
    alert_seconds=120,
    other_alerts=expectations.OF_A_HUNG_HOST | {"SiteSheds"},
    in_every_zone=True,
)
