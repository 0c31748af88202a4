"""Gunicorn's settings for the site; the command line may override them.

There is no access log, since requests' queries hold addresses.
"""

import gc
import os
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

from airaware import settings
from airaware.web import worker_socket
from airaware.web.app import Site
from airaware.web.logs import GunicornLogger

worker_class = "gthread"
threads = 4
# City and ZIP tables are made once, and shared by the workers.
preload_app = True
# An address of 10,000 characters gets a page that says so, not gunicorn's bare 400.
limit_request_line = 0
accesslog = None
# On a web host, all requests come from a proxy on the same host: of what visitors' headers say, no
# more is believed than the scheme, which the load balancer sets itself.
forwarder_headers = ""
logger_class = GunicornLogger
# Its socket would lie in the account's home, one for all the account's servers.
control_socket_disable = True

# As Python's documentation of gc.freeze has it for a process that forks: the tables' many objects
# are made in half the time, and their memory stays shared.
gc.disable()
# A page makes some thousand objects, none of them in cycles: Python would look through them at
# every 700th.
GARBAGE = 20_000


def pre_fork(_: Any, __: Any) -> None:
    """Leave to the workers' collectors only what is theirs."""
    gc.freeze()


def post_fork(_: Any, worker: Any) -> None:
    """Collect in the workers; answer their health checks."""
    gc.set_threshold(GARBAGE)
    gc.enable()
    if folder := settings.read().worker_sockets:
        worker_socket.serve(Path(folder), worker.pid)


def post_worker_init(worker: Any) -> None:
    """Have a new worker begin with what a visitor needs."""
    if isinstance(worker.wsgi, Site):
        worker.wsgi.warm(worker.cfg.threads)


def child_exit(_: Any, worker: Any) -> None:
    """Drop an exited worker's gauges and socket; keep its counters."""
    if folder := settings.read().worker_sockets:
        worker_socket.path(Path(folder), worker.pid).unlink(missing_ok=True)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
