"""Many more visitors come at once."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="traffic-spike",
    hypothesis="A crowd is carried by what is there, and soon by more servers",
    steady_state=steady.WEB,
    fault=faults.spike,
    expected=(expect.none_fails(), expect.grown(120)),
    rate=60,
    spike_rate=200,  # each zone's one host is well above its target then
    budget=500,
    hold_seconds=150,
)
