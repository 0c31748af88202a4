"""A Spark worker is killed in the middle of a load."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.fleet.controller import DONE

DRILL = Drill(
    name="spark-worker-kill",
    hypothesis="A load outlives a Spark worker, and comes to the same",
    steady_state=probes.BATCH,
    fault=faults.kill_spark_worker,
    expected=(
        *expectations.UNDISTURBED,
        expectations.jobs_end(DONE),
        expectations.loads_taken(1, 1),
    ),
    rate=20,
    budget=100,
    hold_seconds=600,
    other_alerts=frozenset({"SparkWorkerLost", "TargetDown", "UnitFailed"}),
)
