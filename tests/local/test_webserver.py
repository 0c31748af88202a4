"""The web server starts again after a crash, and finds a taken port before anything stops."""

import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.environments.local import Local
from tools.machine import processes
from tools.machine.postgres import HOST, READER, free_port
from tools.machine.webserver import WebServer


@pytest.fixture
def web(region: Local, tmp_path: Path) -> Iterator[WebServer]:
    """A web server in a folder of its own, not started."""
    (tmp_path / "run").mkdir()
    web = replace(region.web, folder=tmp_path / "run", log=tmp_path / "web.log")
    yield web
    web.stop()


def test_workers_whose_main_process_was_killed_make_room(region: Local, web: WebServer) -> None:
    port = free_port()
    web.start(port, region.environ(READER))
    main = web.pid()
    assert main
    for worker in processes.working_in(web.folder, "gunicorn"):
        os.kill(worker, signal.SIGSTOP if worker != main else signal.SIGKILL)
    assert web.address()
    web.start(port, region.environ(READER))
    assert web.pid() not in (None, main)


def test_a_server_without_its_pid_file_is_found(region: Local, web: WebServer) -> None:
    port = free_port()
    web.start(port, region.environ(READER))
    web.pid_file.unlink()
    web.start(port, region.environ(READER))
    assert web.pid()


def test_a_taken_port_is_found_before_the_site_stops(region: Local, web: WebServer) -> None:
    port = free_port()
    web.start(port, region.environ(READER))
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(AirAwareError, match="is taken by another program"):
            web.check_port(taken.getsockname()[1])
    web.check_port(port)
