"""Name servers say nothing to a zone's web hosts, and the zone's database is restarted."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="dns-silent",
    hypothesis="Without name servers web hosts go on with the addresses that they know, also after"
    " their database was restarted; nobody waits long",
    steady_state=probes.DATABASES,
    fault=faults.silence_names,
    expected=(
        expectations.none_fails_before(),
        expectations.only_those_under_way_fail(),
        expectations.slow_answers_last(4),
        expectations.none_is_replaced(),
        expectations.none_fails_after(),
    ),
    rate=120,
    budget=200,
    hold_seconds=75,
    alerts=frozenset({"NamesUnresolved"}),
    alert_seconds=90,
    other_alerts=frozenset({"ScalingBlind", "UnitFailed", "DatabaseDown", "ZonePassedOver"}),
)
