"""The site on a web host hangs: it takes connections, and answers nothing."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="web-hang",
    hypothesis="A web host that hangs is out of service within seconds, and its watchdog has it"
    " serve again; nobody replaces it",
    steady_state=probes.WEB,
    fault=faults.hang_web_host,
    expected=(
        expectations.none_fails_before(),
        expectations.out_of_service(15),
        expectations.failures_end(15),
        expectations.serves_again(30),
        expectations.none_fails_after(),
    ),
    rate=120,
    budget=2_000,
    hold_seconds=60,
    alerts=frozenset({"WatchdogActed"}),
    alert_seconds=90,
    other_alerts=frozenset({"HostDown", "ZoneInTrouble", "SiteErrorsFast", "SiteErrorsSlow"}),
)
