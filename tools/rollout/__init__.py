"""Releases, and how the hosts of a fleet come to run one."""
