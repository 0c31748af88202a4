"""SSH to the hosts of a fleet: a key of the environment's own, and OpenSSH's configuration."""

import atexit
import functools
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from airaware.errors import AirAwareError
from tools.fleet.hosts import Host
from tools.machine.postgres import free_port
from tools.region.interface import Region

USER = "admin"  # of Debian's images
LOST = 255  # ssh's exit status where it has no connection, or has one no more
FORWARD_SECONDS = 20


def public_key(folder: Path) -> str:
    """Return the environment's public key, one line; make the pair where it is missing."""
    key = folder / "ssh_key"
    if not key.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "airaware", "-f", key], check=True
        )
    return key.with_suffix(".pub").read_text().strip()


def write_config(folder: Path, hosts: list[Host], region: Region) -> Path:
    """Write OpenSSH's configuration for these hosts, for `ssh -F FILE NAME`; return its path.

    A host's key is accepted at first contact and kept under its instance id, which is never reused:
    another host at the same address is another host.
    """
    path = folder / "ssh_config"
    path.write_text(
        "\n".join(
            _section(
                host.name,
                {
                    "User": USER,
                    "IdentityFile": folder / "ssh_key",
                    "IdentitiesOnly": "yes",
                    "HostKeyAlias": host.instance_id,
                    "UserKnownHostsFile": folder / "known_hosts",
                    "StrictHostKeyChecking": "accept-new",
                    "LogLevel": "ERROR",
                    "ConnectTimeout": 10,
                    # A host that dies says nothing more: half a minute of silence is enough.
                    "ServerAliveInterval": 10,
                    **region.ssh_options(host.instance_id, host.address),
                },
            )
            for host in hosts
        )
    )
    return path


def command(config: Path, host: str, words: list[str], *options: str) -> list[str]:
    """Return the command that runs these words on a host, with these options of OpenSSH."""
    flags = (f"-o{option}" for option in ("BatchMode=yes", *options))
    return ["ssh", "-F", str(config), *flags, host, shlex.join(words)]


@functools.cache
def sharing() -> tuple[str, ...]:
    """Return the options by which commands to one host share a connection.

    Without them, each command costs a second of CPU time, most of it the host's. The sockets lie in
    a folder that only this account may enter.
    """
    folder = tempfile.mkdtemp(prefix="airaware-ssh-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return ("ControlMaster=auto", f"ControlPath={folder}/%C", "ControlPersist=30")


def run(config: Path, host: str, words: list[str]) -> str:
    """Return a command's output on a host.

    Raises:
        AirAwareError: The command failed.
    """
    done = subprocess.run(
        command(config, host, words), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AirAwareError(f"{host}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout


@contextmanager
def forwarded(config: Path, host: str, to: str, port: int) -> Iterator[int]:
    """Yield a local port that leads, through a host, to a port of `to` as the host sees it.

    Raises:
        AirAwareError: The host cannot be reached.
    """
    own = free_port()
    options = ("BatchMode=yes", "ExitOnForwardFailure=yes", "ServerAliveInterval=5")
    process = subprocess.Popen(
        [
            *("ssh", "-F", str(config), *(f"-o{option}" for option in options)),
            *("-N", "-L", f"127.0.0.1:{own}:{to}:{port}", host),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + FORWARD_SECONDS
        while not _listens(own):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AirAwareError(f"{host} cannot be reached by SSH")
            time.sleep(0.1)
        yield own
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(config: Path, host: Host) -> bool:
    """Return whether the host runs a command for us."""
    return subprocess.run(command(config, host.name, ["true"]), capture_output=True).returncode == 0


def _section(name: str, options: Mapping[str, object]) -> str:
    lines = (f"    {key} {value}" for key, value in options.items())
    return "\n".join((f"Host {name}", *lines, ""))
