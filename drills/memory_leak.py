"""A worker of a web host leaks memory until the kernel kills it."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="memory-leak",
    hypothesis="A worker that leaks is killed within the site's own limit, and replaced on the"
    " host; only whom it was answering notices",
    steady_state=probes.WEB,
    fault=faults.leak_memory,
    expected=expectations.HOST_HEALS,
    rate=120,
    budget=500,
    hold_seconds=60,
    alerts=frozenset({"OutOfMemory"}),
    alert_seconds=60,
)
