"""Puppet's master is gone while the web tier grows."""

from tools.drill import expect, faults, steady
from tools.drill.model import Drill

DRILL = Drill(
    name="puppet-down",
    hypothesis="Without Puppet's master the web tier grows all the same, and no request fails",
    steady_state=steady.WEB,
    fault=faults.grow_without_puppet,
    expected=(expect.none_fails(), expect.grown(120)),
    rate=120,
    budget=100,
    hold_seconds=120,
    other_alerts=frozenset({"HostDown", "PuppetFailing", "PuppetSilent"}),
)
