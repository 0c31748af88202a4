"""Environments behind one protocol: this machine, and fleets of hosts."""
