"""A load's driver is killed; the operator submits again."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.fleet.controller import DONE, FAILS

DRILL = Drill(
    name="spark-driver-kill",
    hypothesis="A load whose driver is killed changes nothing, and can be submitted again",
    steady_state=probes.BATCH,
    fault=faults.kill_spark_driver,
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
    other_alerts=frozenset({"UnitFailed"}),
)
