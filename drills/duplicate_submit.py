"""The same year is submitted twice at the same time."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill
from tools.fleet.controller import DONE

DRILL = Drill(
    name="duplicate-submit",
    hypothesis="Of two submits of a year, the second one waits, and finds it loaded",
    steady_state=probes.BATCH,
    fault=faults.submit_twice,
    expected=(
        *expectations.UNDISTURBED,
        expectations.jobs_end(DONE, DONE),
        expectations.loads_taken(1, 1),
    ),
    rate=20,
    budget=100,
    hold_seconds=600,
)
