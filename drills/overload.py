"""Three times as many visitors come as the web hosts can answer, and none is added."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.drill.places import PLACE

DRILL = Drill(
    name="overload",
    hypothesis="Of three times what the site can do, it answers as much as before and refuses the"
    " rest at once; nothing is replaced, and soon after the crowd all is as before",
    steady_state=probes.DATABASES,
    fault=faults.starve_web_hosts,
    expected=(
        expectations.none_fails_before(),
        expectations.carries_its_capacity(),
        expectations.failures_are_refusals(0.2, 1.0),
        expectations.none_is_replaced(),
        expectations.calm_after_crowd(10),
    ),
    rate=5,
    spike_path=f"/air?address={PLACE}",
    ramp=(10, 15, 20, 30, 40, 60, 80, 120, 160, 240),
    budget=200_000,
    before_seconds=30,
    hold_seconds=300,
    alerts=frozenset({"SiteSheds"}),
    alert_seconds=240,
    other_alerts=frozenset(
        {
            *("SiteErrorsFast", "SiteErrorsSlow", "SiteSlowFast", "SiteSlowSlow", "SiteDown"),
            *("ScalingBlind", "ZoneInTrouble", "TargetDown"),
        }
    ),
    in_every_zone=True,
)
