"""What the controller's journal says of jobs, and the command that starts one."""

import shlex
from datetime import UTC, datetime

from tools.fleet import controller
from tools.fleet.controller import CANCELLED, DONE, FAILS, LOST, RUNS, read_jobs
from tools.machine import mainjob
from tools.tasks.jobs import table

BOOT = "5f2c"
BEGIN_SECONDS = 1_795_000_000


def told(message: str, job: str, after_seconds: float, boot: str = BOOT, **fields: str) -> dict:
    """An entry of the journal, as journalctl writes it."""
    return {
        "MESSAGE_ID": message,
        "UNIT": f"airaware-job-{job}.service",
        "_BOOT_ID": boot,
        "__REALTIME_TIMESTAMP": str(int((BEGIN_SECONDS + after_seconds) * 1e6)),
        "MESSAGE": f"Started airaware-job-{job}.service - 2013,2015-2017.",
        **fields,
    }


def started(job: str, **more: str) -> dict:
    return told(controller.STARTED, job, 0, **more)


def test_a_job_that_runs() -> None:
    (job,) = read_jobs([started("1")], BOOT)
    assert (job.id, job.years, job.state) == ("1", "2013,2015-2017", RUNS)
    assert job.started_at == datetime.fromtimestamp(BEGIN_SECONDS, UTC)
    assert job.ended_at is None
    assert job.exit_status is None


def test_a_job_that_ended_well() -> None:
    (job,) = read_jobs([started("1"), told(controller.SUCCEEDED, "1", 61.5)], BOOT)
    assert (job.state, job.seconds, job.exit_status) == (DONE, 61.5, 0)


def test_a_job_that_failed_has_its_exit_status() -> None:
    entries = [
        started("1"),
        told(controller.EXITED, "1", 9, EXIT_CODE="exited", EXIT_STATUS="1"),
        told(controller.FAILED, "1", 9, UNIT_RESULT="exit-code"),
    ]
    (job,) = read_jobs(entries, BOOT)
    assert (job.state, job.exit_status, job.seconds) == (FAILS, 1, 9)


def test_a_job_that_was_stopped_is_cancelled_not_done() -> None:
    entries = [
        started("1"),
        told(controller.STOPPING, "1", 5),
        told(controller.SUCCEEDED, "1", 6),
    ]
    (job,) = read_jobs(entries, BOOT)
    assert (job.state, job.seconds) == (CANCELLED, 6)


def test_a_job_that_its_host_did_not_survive_is_lost() -> None:
    assert [job.state for job in read_jobs([started("1", boot="01d")], BOOT)] == [LOST]


def test_what_was_told_of_jobs_before_the_journals_begin_is_left_out() -> None:
    entries = [told(controller.SUCCEEDED, "0", 1), started("1"), started("2")]
    assert [job.id for job in read_jobs(entries, BOOT)] == ["1", "2"]


def test_jobs_are_listed_with_what_became_of_them() -> None:
    listed = table(read_jobs([started("1"), told(controller.SUCCEEDED, "1", 61.5)], BOOT))
    assert [list(column.cells) for column in listed.columns] == [
        ["1"], ["2013,2015-2017"], [DONE], ["2026-11-18 11:06:40"], ["62"], ["0"],
    ]  # fmt: skip


def test_the_job_runs_as_its_own_account_and_shows_no_secret() -> None:
    words = controller.start_command("20261125-101500", "2013", [44201, 88101])
    assert words[-5:] == [controller.COMMAND, "--years", "2013", "--parameters", "44201,88101"]
    assert "--uid=airaware" in words
    assert "--property=EnvironmentFile=/etc/airaware/settings" in words
    assert "pass" not in shlex.join(words).lower()


def test_no_parameter_means_the_jobs_own_choice() -> None:
    assert mainjob.arguments("1980-2017", []) == ["--years", "1980-2017"]
