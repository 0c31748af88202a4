"""What a person reads when a task of fab fails or is interrupted."""

import errno
import os
import re
import signal

import psycopg2
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from fabric import Connection
from invoke import Exit

from airaware.errors import AirAwareError
from tools.machine import environ, interrupts
from tools.tasks.operation import operation


def end_of(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Exit:
    """Return how the task `bring-up` ends whose body raises the error."""
    monkeypatch.setattr(environ, "allow_open_files", lambda: None)

    @operation()
    def bring_up(_: Connection) -> None:
        """Bring something up."""
        raise error

    with pytest.raises(Exit) as ended:
        bring_up(Connection("localhost"))
    return ended.value


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AirAwareError("no year"), "no year"),
        (OSError(errno.ENOSPC, "No space", "/state/raw"), r"the disk is full \(/state/raw\): make"),
        (OSError(errno.EDQUOT, "Quota"), "your disk quota is used up: make room"),
        (OSError(errno.EMFILE, "Too many", "/state/raw"), "too many open files.*ulimit -n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), r"Permission denied \(/x\)"),
        (OSError("a word of its own"), "a word of its own"),
        (psycopg2.errors.DiskFull("no space"), "the database's disk is full: make room"),
        (
            psycopg2.OperationalError("server closed the connection\n"),
            r"a database has ended: `fab deploy` starts .* \(server closed the connection\)",
        ),
        (psycopg2.errors.AdminShutdown("by command"), "a database has ended"),
        (psycopg2.errors.QueryCanceled("too slow"), "too slow"),
        (NoCredentialsError(), "Unable to locate credentials"),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"), ".*AccessDenied"),
        (
            ModuleNotFoundError("No module", name="locust"),
            "the package locust is missing: make setup",
        ),
    ],
)
def test_an_error_is_reported_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    ended = end_of(error, monkeypatch)
    assert ended.code == 1
    assert re.match(f"fab bring-up: {message}", ended.message or "")


def test_ctrl_c_stops_what_was_started_whatever_is_typed_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = []

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        course.append("stopped")

    interrupts.started.callback(stop)
    ended = end_of(KeyboardInterrupt(), monkeypatch)
    assert (course, ended.code) == (["stopped"], 130)
    end_of(KeyboardInterrupt(), monkeypatch)
    assert course == ["stopped"], "and only once"


def test_what_fails_otherwise_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts.started.callback(pytest.fail)
    try:
        assert end_of(AirAwareError("no year"), monkeypatch).code == 1
    finally:
        interrupts.started.pop_all()


def test_a_terminal_that_is_gone_counts_as_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    course = []
    monkeypatch.setattr(interrupts, "be_silent", lambda: course.append("silent"))
    interrupts.started.callback(course.append, "stopped")
    assert end_of(OSError(errno.EIO, "Input/output error"), monkeypatch).code == 1
    assert course == ["silent", "stopped"]


def test_ctrl_c_is_held_back_to_the_end() -> None:
    course = []

    def interrupted() -> None:
        with interrupts.held_back():
            os.kill(os.getpid(), signal.SIGINT)
            course.append("whole")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert course == ["whole"]
    with interrupts.held_back():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
