"""Puppet's agents: run on a fleet's hosts over SSH, and their reports."""

import json
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from airaware.errors import AirAwareError
from tools.fleet.hosts import Host
from tools.fleet.ssh import LOST
from tools.fleet.ssh import command as ssh_command
from tools.fleet.ssh import sharing as ssh_sharing
from tools.machine import progress
from tools.machine.progress import Look
from tools.machine.steps import console

SUMMARY = "/var/cache/puppet/public/last_run_summary.yaml"
LOCK_SECONDS = 1200
RUN_SECONDS = 1800
ASK_SECONDS = 20
LISTEN_SECONDS = 2.0
AGENT_SECONDS = 240
LINES_OF_A_FAILURE = 40
CPU_STEP_SECONDS = 5  # less may be a retry that took a little longer than the one before
STATUS = Path(progress.__file__).with_name("host_status.py").read_text()
CHANGED = 2  # a bit of the exit status, as Puppet documents --detailed-exitcodes


@dataclass(frozen=True)
class Report:
    """The outcome of one run on a host."""

    host: Host
    changes: int
    failures: int
    seconds: float
    version: str


def run(
    config: Path, host: Host, environment: str = "production", noop: bool = False
) -> tuple[Report, str]:
    """Run the agent now, or after the run under way; return its report and its output.

    Raises:
        AirAwareError: It does not start, or fails.
        StalledError: It makes no progress any more.
    """
    words = ["puppet", "agent", "--test", "--environment", environment]
    words += ["--waitforlock", "2", "--maxwaitforlock", str(LOCK_SECONDS), "--color", "false"]
    words += ["--noop"] if noop else []
    status, said = _follow(config, host, "sudo", *words)
    if status not in (0, CHANGED):
        raise AirAwareError(
            f"{host.name}: Puppet's agent failed (exit status {status}):\n{_end(said)}"
        )
    summary = ssh(config, host, "sudo", "cat", SUMMARY)
    if summary.returncode:
        raise AirAwareError(f"{host.name}: no report of Puppet's agent: {summary.stderr.strip()}")
    return _report(host, yaml.safe_load(summary.stdout)), said


def last_success(config: Path, host: Host) -> Report | None:
    """Return the report of the host's last run; None if that failed or there was none."""
    summary = ssh(config, host, "sudo", "cat", SUMMARY)
    if summary.returncode:
        return None
    report = _report(host, yaml.safe_load(summary.stdout))
    return None if report.failures else report


def ssh(
    config: Path,
    host: Host,
    *words: str,
    stdin: str = "",
    seconds: float = RUN_SECONDS,
    options: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a command on a host, without a terminal.

    Raises:
        AirAwareError: It takes longer than `seconds`.
    """
    command = ssh_command(config, host.name, [*words], *options)
    try:
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise AirAwareError(f"{host.name}: `{words[0]}` took over {seconds:g} s") from None


def status(config: Path, host: Host) -> dict[str, Any]:
    """Return the output of host_status.py on a host; empty if the host does not answer."""
    said = ask(config, host, "sudo", "python3", "-", stdin=STATUS)
    return json.loads(said) if said else {}


def work(found: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the counters of a host's status that grow while it works."""
    if not found:
        return ()
    return found["lines"], found["package_bytes"], found["cpu_seconds"] // CPU_STEP_SECONDS


def ask(config: Path, host: Host, *words: str, stdin: str = "", fails: bool = False) -> str | None:
    """Return a command's output on a host; None if the host does not answer in time.

    Also None where the command fails, unless `fails` allows that.
    """
    try:
        done = ssh(config, host, *words, stdin=stdin, seconds=ASK_SECONDS, options=ssh_sharing())
    except AirAwareError:
        return None
    bad = done.returncode == LOST if fails else done.returncode != 0
    return None if bad else done.stdout


def _follow(config: Path, host: Host, *words: str) -> tuple[int, str]:
    """Run a command on a host for as long as it makes progress; return its exit status and output.

    Raises:
        StalledError: It says nothing, and the host does nothing.
    """
    lines: list[str] = []
    with subprocess.Popen(
        ssh_command(config, host.name, [*words]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        reader.start()

        def look() -> Look:
            heard = len(lines)
            with suppress(subprocess.TimeoutExpired):
                process.wait(LISTEN_SECONDS)
                return Look(True)
            if len(lines) > heard:
                return Look(False, "", (len(lines),), lines[-1].strip())
            found = status(config, host)
            return Look(False, "", (len(lines), *work(found)), "".join(lines[-1:]).strip())

        try:
            progress.wait_for({host.name: look}, patience_seconds=AGENT_SECONDS)
        except BaseException:
            process.kill()
            raise
        reader.join()
    return process.returncode, "".join(lines)


def _report(host: Host, summary: Mapping[str, Any]) -> Report:
    resources, events = summary.get("resources", {}), summary.get("events", {})
    return Report(
        host,
        resources.get("out_of_sync", 0),
        events.get("failure", 0) + resources.get("failed_to_restart", 0),
        summary.get("time", {}).get("total", 0.0),
        str(summary["version"]["config"]),
    )


def _end(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LINES_OF_A_FAILURE:])


def show(reports: list[Report]) -> None:
    """Print the reports of Puppet's agents as a table."""
    table = Table("host", "role", "changes", "failures", "seconds", "release")
    for report in reports:
        table.add_row(
            *(report.host.name, report.host.role, str(report.changes), str(report.failures)),
            *(f"{report.seconds:.1f}", report.version),
        )
    console.print(table)
