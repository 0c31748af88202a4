"""Hosts of a fleet as testinfra sees them, over SSH and as root."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property

import testinfra
from testinfra.host import Host as Root

from tools.environments.fleet import Fleet
from tools.fleet import ssh
from tools.fleet.hosts import Host

PYTHON = "/opt/airaware/current/venv/bin/python"


@dataclass(frozen=True)
class Inspected:
    """A host: `instance` as EC2 knows it, `root` as testinfra reaches it."""

    fleet: Fleet
    instance: Host

    def __repr__(self) -> str:
        return self.instance.name

    @cached_property
    def root(self) -> Root:
        """testinfra's host, root's rights included."""
        return testinfra.get_host(
            f"ssh://{self.instance.name}",
            ssh_config=str(self.fleet.ssh_config()),
            sudo=True,
            # One connection for all that is asked within this many seconds.
            controlpersist=10,
            controlpath=f"{tempfile.gettempdir()}/airaware-{os.getpid()}-%%C",
        )

    def ports(self) -> set[int]:
        """TCP ports on which the host listens for others: not those of the loopback."""
        lines = self.root.check_output("ss --no-header --listening --tcp --numeric").splitlines()
        addresses = [line.split()[3].rpartition(":") for line in lines]
        return {
            int(port)
            for address, _, port in addresses
            if not address.strip("[]").startswith(("127.", "::1"))
        }

    def active(self, *units: str) -> bool:
        """Whether all of these run, and start again with the host."""
        services = [self.root.service(unit) for unit in units]
        return all(service.is_running and service.is_enabled for service in services)

    def owned(self, path: str) -> tuple[str, str, int]:
        """Owner, group and mode of a file."""
        file = self.root.file(path)
        return file.user, file.group, file.mode

    def fed(self, text: str, *words: str) -> str:
        """What a command, run by root, says to this input, which no list of processes shows."""
        command = ssh.command(self.fleet.ssh_config(), self.instance.name, ["sudo", *words])
        return subprocess.run(command, input=text, capture_output=True, text=True).stdout

    def python(self, code: str) -> str:
        """What a program says: the release's Python, the settings, and the account airaware."""
        settings = "set -a; . /etc/airaware/settings; . /etc/airaware/zone; "
        words = ("runuser", "-u", "airaware", "--", "sh", "-c", f"{settings}exec {PYTHON} -")
        return self.fed(code, *words).strip()

    def package(self, name: str) -> str:
        """The version of a Python package in the release that is served."""
        code = f"import importlib.metadata as m, json; print(json.dumps(m.version({name!r})))"
        return json.loads(self.root.check_output(f"{PYTHON} -c %s", code))


def inspected(fleet: Fleet, role: str = "") -> list[Inspected]:
    """The running hosts of a role, or of all. There is one at least."""
    found = [
        Inspected(fleet, host)
        for host in fleet.hosts()
        if host.state == "running" and role in ("", host.role)
    ]
    assert found, f"{fleet.name} has no running host of the role {role}"
    return found
