"""S3 refuses raw files while a year is loaded; the operator submits again."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.fleet.controller import DONE, FAILS

DRILL = Drill(
    name="s3-errors",
    hypothesis="A load that S3 refuses its file changes nothing, and can be submitted again",
    steady_state=probes.BATCH,
    fault=faults.deny_raw_files,
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
