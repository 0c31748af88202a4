"""The region: reads what moto holds, and brings this machine in step with it, twice a second.

    python -m tools.lab.daemon --folder FOLDER

Runs as root until SIGTERM, then takes all down. FOLDER/daemon.json is there while it is ready, and
FOLDER/daemon.log is its log. moto's state is not kept: the region is empty at its start.
"""

import argparse
import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from airaware import settings
from airaware.errors import AirAwareError
from tools.lab import leftovers, model
from tools.lab.aws import gaps, scaling
from tools.lab.aws.access import library
from tools.lab.aws.access.enforcement import Access
from tools.lab.aws.calls import REGION
from tools.lab.aws.metadata import Metadata
from tools.lab.aws.policies import Policies
from tools.lab.aws.region import Moto
from tools.lab.hosts import images
from tools.lab.hosts.disks import Disks
from tools.lab.hosts.nspawn import HostHealth, Hosts, Lab
from tools.lab.hosts.seed import Endpoint
from tools.lab.net import namespaces, network
from tools.lab.net.balancer import Balancers
from tools.lab.net.firewall import Firewall
from tools.lab.net.forwards import Forwards
from tools.lab.net.names import Names

ROUND_SECONDS = 0.5
# Each host's systemd and services watch files by about ten of these, all as this machine's root;
# the kernel's default of 128 would leave the eleventh host stuck in its boot.
WATCHES = Path("/proc/sys/fs/inotify/max_user_instances")
WATCHES_NEEDED = 1024

OPERATOR = "lab"  # the access key of the account's administrator

log = logging.getLogger("tools.lab.daemon")


@dataclass
class Rounds:
    """Has each actor follow the region. A failure is logged once, and stops no other actor."""

    actors: dict[str, Callable[[model.Region], None]]
    _logged: set[str] = field(default_factory=set)

    def go(self, region: model.Region) -> None:
        """One round."""
        for name, follow in self.actors.items():
            try:
                follow(region)
            except Exception as error:
                self._log(name, error)

    def _log(self, name: str, error: Exception) -> None:
        failure = f"{name}: {type(error).__name__}: {error}"
        if failure not in self._logged:
            self._logged.add(failure)
            log.error("%s", failure, exc_info=not isinstance(error, AirAwareError))


def main() -> None:
    """Be the region of a folder. A user's mistake ends with a sentence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the lab keeps its state")
    folder = parser.parse_args().folder.resolve()
    try:
        if os.geteuid() != 0:
            raise AirAwareError("The lab's daemon makes networks and hosts: run it as root")
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            logging.basicConfig(
                filename=folder / "daemon.log",
                level=logging.INFO,
                format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            )
            stopping = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopping.set())
            serve(folder, stopping)
    except AirAwareError as error:
        sys.exit(f"lab: {error}")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Held by one daemon of the folder. Raises AirAwareError where another has it."""
    with (folder / "daemon.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AirAwareError(
                f"Another daemon runs already for {folder}: stop it first, or use it"
            ) from error
        yield


@contextmanager
def room_for_watches(limit: Path = WATCHES) -> Iterator[None]:
    """Raise the kernel's limit to what the hosts need, and put it back in the end."""
    before = int(limit.read_text())
    if before >= WATCHES_NEEDED:
        yield
        return
    limit.write_text(str(WATCHES_NEEDED))
    try:
        yield
    finally:
        limit.write_text(str(before))


def serve(folder: Path, stopping: threading.Event) -> None:
    """Bring the region up, keep it in step until `stopping` is set, and take it down."""
    name = model.lab_name(folder)
    (folder / "daemon.json").unlink(missing_ok=True)
    leftovers.remove(name)
    shutil.rmtree(folder / "hosts", ignore_errors=True)
    with ExitStack() as stack:  # from here on, whatever fails, what is up comes down
        stack.callback(leftovers.remove, name)  # the last: what nobody has taken down
        stack.enter_context(room_for_watches())
        net = network.Network(name)
        stack.callback(net.down)
        net.up()
        moto, environ = _serve_moto(folder, net, stack)
        actors, forwards = _actors(folder, net, moto, stack)
        rounds = Rounds(actors)
        log.info("the region %s is up: %s", name, environ["AWS_ENDPOINT_URL"])
        while not stopping.is_set():
            rounds.go(moto.read())
            if not (folder / "daemon.json").exists():
                facts = {
                    "pid": os.getpid(),
                    "endpoint": environ["AWS_ENDPOINT_URL"],
                    "ca": environ["AWS_CA_BUNDLE"],
                    "environ": environ,
                    "forwards": forwards.addresses(),
                    "clock_factor": settings.read().lab_clock_factor,
                    "started": time.time(),
                }
                _write(folder / "daemon.json", json.dumps(facts, indent=1))
            stopping.wait(ROUND_SECONDS)
        log.info("stopping")
        (folder / "daemon.json").unlink(missing_ok=True)
    log.info("stopped")


def _serve_moto(
    folder: Path, net: network.Network, stack: ExitStack
) -> tuple[Moto, dict[str, str]]:
    """Start the endpoint, for this machine and for the hosts.

    Returns moto, and what an operator's tools need in their environment.
    """
    chosen = settings.read().lab_iam
    access = Access(OPERATOR) if (library.is_there() if chosen is None else chosen) else None
    log.info("IAM is %s", "enforced" if access else "not enforced")
    if access:
        stack.callback(access.stop)
    moto, ca = Moto(access), folder / "ca.pem"
    operators = namespaces.listening_socket(None, "127.0.0.1", 0)
    endpoint = str(network.ENDPOINT_ADDRESS)
    moto.start([operators, namespaces.listening_socket(net.router, endpoint, 443)], ca)
    stack.callback(moto.stop)
    image = images.base(lambda line: log.info("%s", line))
    tags = (("Name", image.name), ("Project", "airaware"))
    moto.register_image(model.Image("", image.name, image.digest, "", "", tags, time.time()))
    return moto, {
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{operators.getsockname()[1]}",
        "AWS_CA_BUNDLE": str(ca),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        # No secret: whoever uses this key may do anything in the lab.
        "AWS_ACCESS_KEY_ID": OPERATOR,
        "AWS_SECRET_ACCESS_KEY": "lab",
        "AWS_SESSION_TOKEN": "",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _actors(
    folder: Path, net: network.Network, moto: Moto, stack: ExitStack
) -> tuple[dict[str, Callable[[model.Region], None]], Forwards]:
    """Return what follows the region, in the order of a round: hosts find their network ready."""
    address = str(network.METADATA_ADDRESS)
    metadata = Metadata(moto, namespaces.listening_socket(net.router, address, 80))
    stack.callback(metadata.stop)
    names = Names(net.router)
    stack.callback(names.stop)
    clock_factor = settings.read().lab_clock_factor
    url, ca = f"https://{network.ENDPOINT_ADDRESS}", (folder / "ca.pem").read_text()
    endpoint = Endpoint(url, REGION, ca, clock_factor)
    hosts = Hosts(Lab(net.name, folder, net, endpoint))
    stack.callback(hosts.stop)
    disks = Disks(moto, net.name, hosts)
    stack.callback(disks.stop)
    (folder / "balancers").mkdir(exist_ok=True)
    balancers = Balancers(net, folder / "balancers")
    stack.callback(balancers.stop)
    forwards = Forwards(net, settings.read().port)
    stack.callback(forwards.stop)

    states = _States()
    policies = Policies(moto, clock_factor)

    def observe(region: model.Region) -> None:
        """Let moto's answers and the scaling groups know how the hosts and targets are."""
        healths = hosts.health()
        gaps.observed.hosts = {host: health.state for host, health in healths.items()}
        gaps.observed.targets = balancers.health()
        states.log(region, healths)

    return (
        {
            "network": net.apply,
            "firewall": Firewall(net.router).apply,
            "metadata": metadata.apply,
            "hosts": hosts.apply,
            "disks": disks.apply,
            "balancers": balancers.apply,
            "names": lambda region: names.apply(region, balancers.in_service()),
            "forwards": lambda region: forwards.apply(region, balancers.in_service()),
            "observation": observe,
            "policies": lambda _: policies.follow(time.time()),
            "scaling": lambda _: scaling.keep_up(moto),
        },
        forwards,
    )


@dataclass
class _States:
    """Logs each change of a host's state."""

    _known: dict[str, str] = field(default_factory=dict)

    def log(self, region: model.Region, healths: dict[str, HostHealth]) -> None:
        """Log what differs from the time before."""
        for host, health in healths.items():
            if self._known.get(host) != health.state:
                instance = region.instances.get(host)
                role = instance.role if instance else ""
                took = f" after {health.boot_seconds:.1f} s" if health.boot_seconds else ""
                log.info("%s %s: %s%s %s", host, role, health.state, took, health.message)
        self._known = {host: health.state for host, health in healths.items()}


def _write(path: Path, text: str) -> None:
    """Write a file so that nobody reads half of it."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
