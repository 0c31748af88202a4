"""A zone's database falls silent: packets from it are dropped."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="database-silent",
    hypothesis="Where a zone's database falls silent, the other zone's answers, slowly for at most"
    " three seconds",
    steady_state=(
        *steady.WEB,
        steady.databases_listen(),
        steady.DATABASES_DOWN,
        steady.a_year_is_loaded(),
    ),
    fault=faults.silence_database,
    expected=(expect.none_fails(), expect.slow_answers_end(3)),
    rate=120,
    budget=500,
    hold_seconds=90,
    alerts=frozenset({"DatabaseDown"}),
    alert_seconds=80,
    other_alerts=frozenset({"ZonePassedOver", "ZonesUnequal", "UnitFailed"}),
)
