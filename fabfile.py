"""The operator's tasks: `fab -l` lists them, `fab --help TASK` describes one.

Run as a script, this is the program `fab`, its modules those of this very checkout: tools/fab.sh.
"""

from tools.machine import environ

environ.enter()  # before anything else reads the user's environment

from tools.tasks import program
from tools.tasks.accuracy import accuracy
from tools.tasks.dashboards import dashboards
from tools.tasks.data import fetch_year, submit_year, synthesize_year, verify
from tools.tasks.drill import drill, drills, recover
from tools.tasks.images import images
from tools.tasks.infra import (
    deploy,
    destroy,
    plan,
    puppet,
    replace,
    resume_scaling,
    ssh,
    status,
    stop,
)
from tools.tasks.jobs import jobs
from tools.tasks.loadtest import loadtest
from tools.tasks.logs import logs
from tools.tasks.shift import shift_away, shift_back
from tools.tasks.vintages import refresh, vintages

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
    "refresh",
    "replace",
    "resume_scaling",
    "shift_away",
    "shift_back",
    "ssh",
    "status",
    "stop",
    "submit_year",
    "synthesize_year",
    "verify",
    "vintages",
]

if __name__ == "__main__":
    program.run()
