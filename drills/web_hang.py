"""The site on a web host hangs: it takes connections, and answers nothing."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="web-hang",
    hypothesis="A web host that hangs is out of service within seconds, and replaced",
    steady_state=steady.WEB,
    fault=faults.hang_web_host,
    expected=(
        expect.none_fails_before(),
        expect.out_of_service(15),
        expect.failures_end(15),
        expect.replaced(90),
        expect.none_fails_after(),
    ),
    rate=120,
    budget=2_000,
    hold_seconds=100,
    other_alerts=frozenset({"HostDown", "ZoneInTrouble", "SiteErrorsFast", "SiteErrorsSlow"}),
)
