"""Gunicorn's settings for the site; the command line may override them.

There is no access log, since requests' queries hold addresses.
"""

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


def child_exit(_: Any, worker: Any) -> None:
    """Forget what a worker that has ended said of its present state; its counts stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)
