"""The same year is submitted twice at the same time."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill
from tools.fleet.controller import DONE

DRILL = Drill(
    name="duplicate-submit",
    hypothesis="Of two submits of a year, the second one waits, and finds it loaded",
    steady_state=steady.BATCH,
    fault=faults.submit_twice,
    expected=(*expect.UNDISTURBED, expect.jobs_end(DONE, DONE), expect.loads_taken(1, 1)),
    rate=20,
    budget=100,
    hold_seconds=600,
)
