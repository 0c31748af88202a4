"""The operator's side of the lab: starts the daemon that is the region, finds the way into it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from airaware import settings
from airaware.errors import AirAwareError
from tools.lab import deployer, leftovers, preflight
from tools.lab.aws.access import library
from tools.lab.hosts import images
from tools.lab.model import lab_name
from tools.lab.net import network, outside, socks
from tools.machine import processes
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import Step, console

START_SECONDS = 60
STOP_SECONDS = 60
DAEMON = "tools.lab.daemon"


class Lab:
    """The region that a daemon on this machine is; `folder` holds all that it makes."""

    costs_money = False

    def __init__(self, folder: Path) -> None:
        """Make it; nothing is started."""
        self.folder = folder
        self.name = lab_name(folder)

    def prepare(self) -> Iterator[Step]:
        """Check this machine, build the base image, start the region, make its deployer's role."""
        yield Step("check that this machine can hold the lab", self._check_machine)
        yield Step("build the hosts' base image, or find it built", self._build_image)
        if settings.read().lab_iam is not False:
            yield Step("install what judges by IAM's policies, or find it", _install_judge)
        if not self._daemon():
            yield Step("start the region", self._start)
        if not self.is_up():
            yield Step("make the deployer's role, as the account's administrator", self._make_role)

    def is_up(self) -> bool:
        """Whether the daemon runs and is ready, and has a deployer."""
        return bool(self._daemon() and deployer.credentials(self.folder))

    def environ(self) -> Mapping[str, str]:
        """Return the endpoint, its certificate and the deployer's credentials.

        Raises:
            AirAwareError: The lab is down.
        """
        return self.administrator() | deployer.credentials(self.folder)

    def administrator(self) -> dict[str, str]:
        """Return the same with the credentials of the account's administrator.

        Raises:
            AirAwareError: The region is down.
        """
        return dict(self._facts()["environ"])

    def ssh_options(
        self,
        instance_id: str,  # noqa: ARG002 (AWS's way takes it)
        address: IPv4Address,
    ) -> Mapping[str, str]:
        """By a socket that is made in the lab's namespace: this machine has no route to a host."""
        return {
            "HostName": str(address),
            "ProxyUseFdpass": "yes",
            "ProxyCommand": f"{sys.executable} -m tools.lab.net.proxy {self.name} %h %p",
        }

    def clock_factor(self) -> float:
        """Return the clock factor that the daemon runs with."""
        return float(self._facts()["clock_factor"])

    def outside(self) -> Sequence[str]:
        """By the lab's Internet side, which takes root."""
        return *outside.WORDS, self.name

    def one_visitor(self) -> str:
        """Return the address that no other visitor has."""
        return str(network.ONE_VISITOR)

    def packages(self, progress: Callable[[str], None]) -> Path:
        """Return what the hosts install: no mirror can be reached from them."""
        return images.repository(progress)

    @contextmanager
    def packer(self) -> Iterator[Mapping[str, str]]:
        """Yield the endpoint, and a proxy into the lab's namespace while the context lasts."""
        with socks.serving(self.name) as (address, port):
            yield {
                "endpoint": self._facts()["endpoint"],
                "ssh_interface": "private_ip",
                "ssh_proxy_host": address,
                "ssh_proxy_port": str(port),
            }

    def urls(self, site_url: str) -> Mapping[str, str]:  # noqa: ARG002 (AWS's way takes it)
        """Return the lab's addresses on the loopback."""
        return dict(self._facts()["forwards"])

    def remove(self) -> Iterator[Step]:
        """Stop the daemon, and remove what it or one before it left."""
        if pid := self._daemon():
            yield Step("stop the region", lambda: _stop(pid))
        if leftovers.everything(self.name):
            yield Step("remove what the region left", lambda: leftovers.remove(self.name))
        if self.folder.exists():
            yield Step(f"delete {self.folder}", lambda: shutil.rmtree(self.folder))

    def _facts(self) -> dict[str, Any]:
        if not self._daemon():
            raise AirAwareError(f"The lab does not run; {self.folder / 'daemon.log'} may say why")
        return dict(json.loads((self.folder / "daemon.json").read_text()))

    def _daemon(self) -> int:
        """Return the process id of the daemon that is ready; 0 without one."""
        try:
            pid = json.loads((self.folder / "daemon.json").read_text())["pid"]
        except (OSError, ValueError):
            return 0
        return pid if processes.is_ours(pid, DAEMON, CHECKOUT) else 0

    def _check_machine(self) -> None:
        if problems := preflight.problems(self.folder):
            raise AirAwareError("This machine cannot hold the lab yet:\n  " + "\n  ".join(problems))

    def _build_image(self) -> None:
        images.base(lambda line: console.print(line, markup=False))

    def _make_role(self) -> None:
        deployer.make(self.folder, self.administrator())

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        deployer.forget(self.folder)
        with (self.folder / "daemon.log").open("ab") as log:
            daemon = subprocess.Popen(
                [sys.executable, "-m", DAEMON, "--folder", str(self.folder)],
                cwd=CHECKOUT,  # by which it is known
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._daemon() != daemon.pid:
            if daemon.poll() is not None or time.monotonic() > deadline:
                daemon.terminate()
                raise AirAwareError(f"The region did not start: see {self.folder / 'daemon.log'}")
            time.sleep(0.2)


def _install_judge() -> None:
    """Install what enforcing IAM takes; print what is in the way, unless the setting insists.

    Raises:
        AirAwareError: The setting does, and it cannot be had.
    """
    try:
        library.installed()
        library.program("node")
    except AirAwareError as error:
        if settings.read().lab_iam:
            raise
        console.print(f"IAM is not enforced in this lab: {error}", markup=False)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
