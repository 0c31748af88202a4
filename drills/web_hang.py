"""The site on a web host hangs: it takes connections, and answers nothing."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="web-hang",
    hypothesis="The watchdog of a web host that hangs has it serve again within seconds, perhaps"
    " before the balancer notices; nobody replaces it",
    steady_state=probes.WEB,
    fault=faults.hang_web_host,
    expected=expectations.HOST_HEALS,
    rate=120,
    budget=2_000,
    hold_seconds=60,
    alerts=frozenset({"WatchdogActed"}),
    alert_seconds=90,
    other_alerts=frozenset({"HostDown", "ZoneInTrouble", "SiteErrorsFast", "SiteErrorsSlow"}),
)
