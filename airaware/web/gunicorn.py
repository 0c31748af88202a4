"""Gunicorn's settings for the site; the command line may override them.

There is no access log, since requests' queries hold addresses.
"""

import gc
import os
from typing import Any

from prometheus_client import multiprocess

from airaware.web.logs import GunicornLogger

worker_class = "gthread"
threads = 4
# City and ZIP tables are made once, and shared by the workers.
preload_app = True
# An address of 10,000 characters gets a page that says so, not gunicorn's bare 400.
limit_request_line = 0
accesslog = None
logger_class = GunicornLogger
# Its socket would lie in the account's home, one for all the account's servers.
control_socket_disable = True

# As Python's documentation of gc.freeze has it for a process that forks: the tables' many objects
# are made in half the time, and their memory stays shared.
gc.disable()


def pre_fork(_: Any, __: Any) -> None:
    """Leave to the workers' collectors only what is theirs."""
    gc.freeze()


def post_fork(_: Any, __: Any) -> None:
    """Collect in the workers."""
    gc.enable()


def child_exit(_: Any, worker: Any) -> None:
    """Forget what a worker that has ended said of its present state; its counts stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
