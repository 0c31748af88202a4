"""A Spark worker is killed in the middle of a load."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill
from tools.fleet.controller import DONE

DRILL = Drill(
    name="spark-worker-kill",
    hypothesis="A load outlives a Spark worker, and comes to the same",
    steady_state=steady.BATCH,
    fault=faults.kill_spark_worker,
    expected=(*expect.UNDISTURBED, expect.jobs_end(DONE), expect.loads_taken(1, 1)),
    rate=20,
    budget=100,
    hold_seconds=600,
    other_alerts=frozenset({"SparkWorkerLost", "TargetDown", "UnitFailed"}),
)
