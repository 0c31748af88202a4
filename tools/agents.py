"""Puppet's agents, run on the hosts of a fleet over SSH; what they report."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from airaware.errors import AirAwareError
from tools.hosts import Host

SUMMARY = "/var/cache/puppet/public/last_run_summary.yaml"
LOCK_SECONDS = 1200
RUN_SECONDS = 1800
LINES_OF_A_FAILURE = 40
CHANGED = 2  # a bit of the exit status, as Puppet documents --detailed-exitcodes


@dataclass(frozen=True)
class Report:
    """What one run did to a host."""

    host: Host
    changes: int
    failures: int
    seconds: float
    version: str


def run(
    config: Path, host: Host, environment: str = "production", noop: bool = False
) -> tuple[Report, str]:
    """Run the agent now, after one that is under way; its report, and all that it said.

    Raises AirAwareError where it does not run, or fails.
    """
    words = ["puppet", "agent", "--test", "--environment", environment]
    words += ["--waitforlock", "2", "--maxwaitforlock", str(LOCK_SECONDS), "--color", "false"]
    words += ["--noop"] if noop else []
    done = ssh(config, host, "sudo", *words)
    said = f"{done.stdout}{done.stderr}"
    if done.returncode not in (0, CHANGED):
        raise AirAwareError(
            f"{host.name}: Puppet's agent failed (exit status {done.returncode}):\n{_end(said)}"
        )
    summary = ssh(config, host, "sudo", "cat", SUMMARY)
    if summary.returncode:
        raise AirAwareError(f"{host.name}: no report of Puppet's agent: {summary.stderr.strip()}")
    return _report(host, yaml.safe_load(summary.stdout)), said


def last_success(config: Path, host: Host) -> Report | None:
    """The report of the host's last run; None where that failed, or was never."""
    summary = ssh(config, host, "sudo", "cat", SUMMARY)
    if summary.returncode:
        return None
    report = _report(host, yaml.safe_load(summary.stdout))
    return None if report.failures else report


def ssh(config: Path, host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a host, without a terminal."""
    command = ["ssh", "-F", str(config), "-o", "BatchMode=yes", host.name, shlex.join(words)]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        raise AirAwareError(f"{host.name}: `{words[0]}` took over {RUN_SECONDS} s") from None


def _report(host: Host, summary: dict) -> Report:
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
