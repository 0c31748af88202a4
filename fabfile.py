"""The operator's tasks: `fab -l` lists them, `fab --help TASK` describes one."""

from tools.machine import environ

environ.enter()  # before anything else reads the user's environment

from tools.accuracy import accuracy
from tools.dashboards.task import dashboards
from tools.data import fetch_year, submit_year, synthesize_year
from tools.drill.tasks import drill, drills, recover
from tools.images import images
from tools.infra import deploy, destroy, plan, puppet, replace, ssh, status, stop
from tools.jobs import jobs
from tools.loadtest import loadtest
from tools.logs import logs
from tools.shift import shift_away, shift_back

__all__ = [
    "accuracy",
    "dashboards",
    "deploy",
    "destroy",
    "drill",
    "drills",
    "fetch_year",
    "images",
    "jobs",
    "loadtest",
    "logs",
    "plan",
    "puppet",
    "recover",
    "replace",
    "shift_away",
    "shift_back",
    "ssh",
    "status",
    "stop",
    "submit_year",
    "synthesize_year",
]
