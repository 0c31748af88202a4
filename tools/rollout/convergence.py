"""Progress of a fleet's hosts in their first Puppet run, and of the site; why they are stuck."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import requests

from tools.fleet import agents
from tools.fleet.hosts import Host
from tools.machine import progress
from tools.machine.progress import Look

POLL_SECONDS = 6.0  # each look costs the hosts CPU time that they need themselves
BOOTING, LEFT = "booting", "left the fleet"


def wait_for_boot(
    config: Path, hosts: list[Host], stays: Callable[[Host], bool], advice: str
) -> None:
    """Wait until each host runs a command for us, or its group has terminated it.

    Raises:
        StalledError: No further host comes up; `advice` is added to the message.
    """

    def look(host: Host) -> Look:
        if agents.ask(config, host, "true") is not None:
            return Look(True, "answers by SSH")
        return Look(not stays(host), BOOTING, detail="no answer by SSH")

    progress.wait_for(_probes(look, hosts), cause=lambda _standing: advice)


def wait_for_first_runs(
    config: Path,
    hosts: list[Host],
    stays: Callable[[Host], bool],
    masters: Callable[[], list[Host]],
) -> None:
    """Wait until each host has finished its own first Puppet run, or its group has terminated it.

    Raises:
        StalledError: None of them makes progress any more; the message has the cause.
    """
    progress.wait_for(
        _probes(lambda host: _look(config, host, stays), hosts),
        poll_seconds=POLL_SECONDS,
        cause=lambda standing: _cause(config, standing, masters()),
    )


def wait_for_site(address: str, advice: str) -> None:
    """Wait until the site is ready.

    Args:
        address: The URL of the site's readiness check.
        advice: What to do if it does not become ready, for the error's message.

    Raises:
        StalledError: The check's answer no longer changes.
    """

    def look() -> Look:
        try:
            answer = requests.get(address, timeout=5)
        except requests.RequestException as error:
            return Look(False, "no answer", detail=f"{address}: {type(error).__name__}")
        return Look(
            answer.ok, f"status {answer.status_code}", detail=f"{address}: {answer.text[:200]}"
        )

    progress.wait_for({"site": look}, cause=lambda _standing: advice)


def _probes(look: Callable[[Host], Look], hosts: list[Host]) -> dict[str, Callable[[], Look]]:
    return {host.name: partial(look, host) for host in hosts}


def _look(config: Path, host: Host, stays: Callable[[Host], bool]) -> Look:
    status = agents.status(config, host)
    if not status:
        gone = not stays(host)
        return Look(gone, LEFT if gone else BOOTING, detail="no answer by SSH")
    state = status["state"]
    if state != "done" and not stays(host):
        return Look(True, LEFT)
    details = [
        *(
            [f"the master does not answer ({status['master_error']})"]
            if status["master_error"]
            else []
        ),
        *([f"last log line: {status['last_line']}"] if status["last_line"] else []),
    ]
    return Look(state == "done", state, agents.work(status), "; ".join(details))


def _cause(config: Path, standing: Mapping[str, Look], masters: list[Host]) -> str:
    """Return why these hosts are stuck, in a sentence or two."""
    if not masters:
        return "Cause: the fleet has no Puppet master; fab deploy makes it."
    (master, *_) = masters
    if master.state != "running":
        return f"Cause: the Puppet master's instance ({master.instance_id}) is {master.state}."
    server = agents.ask(config, master, "systemctl", "is-active", "puppetserver", fails=True)
    if server is None:
        return f"Cause: the Puppet master ({master.name}) does not answer by SSH."
    if server.strip() != "active":
        return (
            f"Cause: puppetserver on {master.name} is {server.strip() or 'missing'}. See why:"
            f" journalctl -u puppetserver on it; start it: systemctl start puppetserver"
        )
    if any(look.state == "certificate" for look in standing.values()):
        return (
            f"Cause: no certificate. puppetserver on {master.name} runs, but does not sign the"
            " request: see its log, /var/log/puppetserver/puppetserver.log"
        )
    return "See the hosts' journals: journalctl -u first-run"
