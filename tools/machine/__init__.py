"""This machine: what its processes inherit, and which of them are ours."""
