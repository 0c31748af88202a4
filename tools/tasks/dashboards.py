"""The task that draws a fleet's dashboards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fabric import Connection

from airaware.errors import AirAwareError
from airaware.host.dashboards import page
from airaware.host.prometheus import Prometheus
from tools.environments import catalog
from tools.environments.fleet import Fleet
from tools.fleet import ssh
from tools.machine.steps import Step, carry_out, console
from tools.tasks.operation import operation

PORT = 9090
ROLE = "monitoring"


@operation(
    help={
        "minutes": "how far back it goes (60)",
        "output": "the file to write (the environment's own folder)",
    }
)
def dashboards(_: Connection, env: str = "", minutes: int = 60, output: str = "") -> None:
    """Draw a fleet's dashboards as one page of HTML."""
    if not 5 <= minutes <= 43200:
        raise AirAwareError(f"--minutes {minutes} is not from 5 to 43200 (30 days)")
    fleet = catalog.fleet(env)
    path = Path(output) if output else fleet.folder / "dashboards.html"

    def draw() -> None:
        with prometheus(fleet) as answering:
            path.write_text(page.render(answering, minutes))

    carry_out([Step("draw the dashboards", draw)], dry_run=False)
    console.print(f"Open {path.resolve()}", markup=False)
    if served := fleet.urls().get("dashboards"):
        console.print(f"The monitoring host serves them, always of now: [bold]{served}/[/]")


@contextmanager
def prometheus(fleet: Fleet) -> Iterator[Prometheus]:
    """Yield a fleet's Prometheus, through SSH.

    Raises:
        AirAwareError: No monitoring host is running.
    """
    found = [host for host in fleet.hosts() if host.role == ROLE and host.state == "running"]
    if not found:
        raise AirAwareError(f"{fleet.name} has no monitoring host: fab deploy --env {fleet.name}")
    with ssh.forwarded(fleet.ssh_config(), found[0].name, "127.0.0.1", PORT) as port:
        yield Prometheus(f"http://127.0.0.1:{port}")
