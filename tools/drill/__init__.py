"""Outage drills: a hypothesis, a fault, and a verdict with figures (docs/drills.md)."""
