"""Puppet's master is gone while the web tier grows."""

from tools.drill import expectations, faults, probes
from tools.drill.model import Drill

DRILL = Drill(
    name="puppet-down",
    hypothesis="Without Puppet's master the web tier grows all the same, and no request fails",
    steady_state=probes.WEB,
    fault=faults.grow_without_puppet,
    expected=(expectations.none_fails(), expectations.grown(120)),
    rate=120,
    budget=100,
    hold_seconds=120,
    other_alerts=frozenset({"HostDown", "PuppetFailing", "PuppetSilent"}),
)
