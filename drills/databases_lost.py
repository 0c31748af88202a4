"""Every zone's database is killed at once."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="databases-lost",
    hypothesis="When no database is left, visitors are refused at once, nothing is replaced, and"
    " answers are good within seconds of the return",
    steady_state=probes.DATABASES,
    fault=faults.kill_databases,
    expected=(
        expectations.none_fails_before(),
        expectations.failures_are_refusals(1.0, 4.0),
        expectations.none_is_replaced(),
        expectations.none_fails_from(5),
    ),
    rate=60,
    budget=8_000,
    hold_seconds=60,
    alerts=frozenset({"DatabaseDown"}),
    alert_seconds=80,
    other_alerts=frozenset(
        {
            *("SiteDown", "SiteErrorsFast", "SiteErrorsSlow", "ZonePassedOver", "ZonesUnequal"),
            *("UnitFailed", "DatabaseDown", "SiteSheds", "TargetDown"),
        }
    ),
    in_every_zone=True,
)
