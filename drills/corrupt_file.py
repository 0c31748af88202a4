"""A raw file is cut in half before its year is loaded; then it is whole again."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.fleet.controller import DONE, FAILS

DRILL = Drill(
    name="corrupt-file",
    hypothesis="A damaged file is refused before a row of it is loaded",
    steady_state=probes.BATCH,
    fault=faults.cut_raw_file,
    expected=(
        *expectations.UNDISTURBED,
        expectations.jobs_end(FAILS, DONE),
        expectations.loads_taken(1, 1),
    ),
    answer=faults.submit_again,
    rate=20,
    budget=100,
    hold_seconds=600,
    alerts=frozenset({"JobFailed"}),
    alert_seconds=180,
    other_alerts=frozenset({"UnitFailed"}),
)
