"""A database's volume is full when a year is loaded; the operator submits again."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.fleet.controller import DONE, FAILS

DRILL = Drill(
    name="disk-full",
    hypothesis="Where a zone's volume is full, its load fails and its reads go on; the other zone"
    " takes the load",
    steady_state=probes.BATCH,
    fault=faults.fill_disk,
    expected=(
        *expectations.UNDISTURBED,
        expectations.jobs_end(FAILS, DONE),
        expectations.loads_taken(1, 2),
    ),
    answer=faults.submit_again,
    rate=20,
    budget=100,
    hold_seconds=600,
    alerts=frozenset({"JobFailed"}),
    alert_seconds=180,
    other_alerts=frozenset({"DiskFilling", "UnitFailed", "DatabaseDown", "ZonePassedOver"}),
)
