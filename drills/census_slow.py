"""The Census geocoder takes connections to where nobody answers; some visitors ask for streets."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="census-slow",
    hypothesis="Where the Census geocoder says nothing, those who ask for a street get their ZIP"
    " code's air, a few after three seconds; others notice nothing",
    steady_state=probes.DATABASES,
    fault=faults.silence_census,
    expected=(
        expectations.none_fails(),
        expectations.few_slow_answers(0.02),
        expectations.none_is_replaced(),
    ),
    rate=60,
    spike_rate=5,
    spike_path="/api/v1/air?address=1060 W Addison St, Chicago, IL 60613".replace(" ", "%20"),
    budget=200,
    hold_seconds=90,
    alerts=frozenset({"CensusSilent"}),
    alert_seconds=75,
)
