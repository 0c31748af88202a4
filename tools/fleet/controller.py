"""A fleet's jobs: each is a unit of the controller's systemd, so no operator has to stay connected.

A job's outcome is read from the controller's journal, where systemd writes it; there is no other
list. Its Spark is the cluster that /etc/spark names, its release the one that is served.
"""

import json
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from airaware.errors import AirAwareError
from tools.fleet import sparkpages, ssh
from tools.machine import mainjob
from tools.machine.steps import console

UNIT = "airaware-job-"
COMMAND = "/usr/local/bin/airaware-batch"  # the role controller has it
PROPERTIES = {
    "EnvironmentFile": "/etc/airaware/settings",
    # Above Spark's own chatter, which is INFO.
    "SyslogLevel": "notice",
    # A JVM that was asked to stop says 143.
    "SuccessExitStatus": "143",
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ReadWritePaths": "/var/lib/airaware /var/lib/spark /var/log/spark",
}
# systemd's messages about units, by their ids: `journalctl --catalog` explains them.
STARTED = "39f53479d3a045ac8e11786248231fbf"
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
SUCCEEDED = "7ad2d189f7e94e70a38c781354912448"
FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
MESSAGES = (STARTED, STOPPING, EXITED, SUCCEEDED, FAILED)
RUNS, DONE, FAILS, CANCELLED, LOST = "runs", "done", "failed", "cancelled", "lost"
# Prints a unit's messages until it has ended; what is under way in the journal comes along.
FOLLOW = (
    "journalctl --unit {unit} --output cat --priority notice --lines all --follow & "
    "while systemctl is-active --quiet {unit}; do sleep 1; done; "
    "journalctl --sync; sleep 1; kill $!"
)


@dataclass(frozen=True)
class Job:
    """A run of the main job; `exit_status` is a signal's number where a signal ended it."""

    id: str
    years: str
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    exit_status: int | None = None

    @property
    def seconds(self) -> float:
        """How long the job took, or has been running."""
        return ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()


class Controller:
    """The host that jobs start on; `config` is OpenSSH's, `host` its name there."""

    def __init__(self, config: Path, host: str) -> None:
        """Name the host; nothing is asked yet."""
        self.config = config
        self.host = host

    def start(self, years: str, parameters: list[int], again: bool = False, job: str = "") -> str:
        """Start the main job, and return its id: the time, if none is given.

        It runs on, whoever is connected.
        """
        job = job or f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
        # A job that failed stays in the journal; as a failed unit it would raise alarm for ever.
        self._run(["systemctl", "reset-failed", f"{UNIT}*"])
        self._run(start_command(job, years, parameters, again))
        return job

    def jobs(self) -> list[Job]:
        """Return the jobs that the journal knows of, the newest last."""
        boot = "tr -d - </proc/sys/kernel/random/boot_id"
        entries = shlex.join(
            ["journalctl", "--output", "json", "--unit", f"{UNIT}*"]
            + [f"MESSAGE_ID={message}" for message in MESSAGES]
        )
        said = self._run(["sh", "-c", f"{boot}; {entries}"]).splitlines()
        return read_jobs([json.loads(line) for line in said[1:]], said[0])

    def find(self, job_id: str) -> Job:
        """Return the job with this id.

        Raises:
            AirAwareError: There is none.
        """
        jobs = {job.id: job for job in self.jobs()}
        if job_id not in jobs:
            known = ", ".join(jobs) or "none"
            raise AirAwareError(f"There is no job '{job_id}'. Jobs are: {known}")
        return jobs[job_id]

    def said(self, job_id: str) -> str:
        """Return a job's whole output, with Spark's own lines."""
        return self._run(["journalctl", "--unit", UNIT + job_id, "--output", "cat"])

    def follow(self, job_id: str) -> None:
        """Print the job's output until it has ended, then its outcome.

        Raises:
            AirAwareError: It failed, or the connection was lost; then the job goes on.
        """
        job = self.find(job_id)
        with ExitStack() as stack:
            if job.state == RUNS:
                stack.enter_context(sparkpages.shown(self.config, self.host))
            script = FOLLOW.format(unit=UNIT + job.id)
            status = subprocess.call(
                ssh.command(self.config, self.host, ["sudo", "sh", "-c", script]),
                stdin=subprocess.DEVNULL,
            )
        if status == ssh.LOST:
            raise AirAwareError(
                f"The connection is lost; the job goes on: fab jobs --follow {job_id}"
            )
        job = self.find(job_id)
        console.print(f"job {job.id}: {job.state} after {job.seconds:.0f} s", markup=False)
        if job.state not in (DONE, RUNS):
            raise AirAwareError(
                f"job {job.id} {job.state}, exit status {job.exit_status}; its lines say why. With"
                f" Spark's: fab ssh {self.host} --command 'sudo journalctl -u {UNIT}{job.id}'"
            )

    def cancel(self, job_id: str) -> None:
        """Stop a running job; every zone keeps each year wholly old or wholly new."""
        job = self.find(job_id)
        if job.state != RUNS:
            raise AirAwareError(f"job {job.id} does not run: {job.state}")
        self._run(["systemctl", "stop", UNIT + job.id])

    def _run(self, words: list[str]) -> str:
        return ssh.run(self.config, self.host, ["sudo", *words])


def start_command(job: str, years: str, parameters: list[int], again: bool = False) -> list[str]:
    """Return the command by which the controller starts the main job, as a unit of its own."""
    properties = [f"--property={name}={value}" for name, value in PROPERTIES.items()]
    return [
        *("systemd-run", "--quiet", f"--unit={UNIT}{job}", f"--description={years}"),
        *("--uid=airaware", *properties, COMMAND, *mainjob.arguments(years, parameters, again)),
    ]


def read_jobs(entries: Iterable[Mapping[str, str]], boot: str) -> list[Job]:
    """Return the jobs in journal entries, in order; `boot` is the present boot."""
    jobs: dict[str, Job] = {}
    for entry in entries:
        job_id = entry["UNIT"].removeprefix(UNIT).removesuffix(".service")
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        message = entry["MESSAGE_ID"]
        if message == STARTED:
            # "Started airaware-job-20261125-101500.service - 2013."
            years = entry["MESSAGE"].rpartition(" - ")[2].removesuffix(".")
            state = RUNS if entry["_BOOT_ID"] == boot else LOST
            jobs[job_id] = Job(job_id, years, state, at)
        elif job := jobs.get(job_id):
            jobs[job_id] = _told(job, message, entry, at)
    return list(jobs.values())


def _told(job: Job, message: str, entry: Mapping[str, str], at: datetime) -> Job:
    """Return the job, updated by the journal's next entry about it."""
    if message == STOPPING:
        return replace(job, state=CANCELLED)
    if message == EXITED:
        return replace(job, exit_status=int(entry["EXIT_STATUS"]))
    if job.state != CANCELLED:
        job = replace(job, state=DONE if message == SUCCEEDED else FAILS)
    return replace(job, ended_at=at, exit_status=job.exit_status or 0)
