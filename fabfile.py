"""The operator's tasks: `fab -l` lists them, `fab --help TASK` describes one."""

from tools.accuracy import accuracy
from tools.data import fetch_year, submit_year, synthesize_year
from tools.infra import deploy, destroy, plan, ssh, status, stop
from tools.jobs import jobs

__all__ = [
    "accuracy",
    "deploy",
    "destroy",
    "fetch_year",
    "jobs",
    "plan",
    "ssh",
    "status",
    "stop",
    "submit_year",
    "synthesize_year",
]
