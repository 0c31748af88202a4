"""SSH to the hosts of a fleet: a key of the environment's own, and OpenSSH's configuration."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.hosts import Host
from tools.region import Region

USER = "admin"  # of Debian's images


def public_key(folder: Path) -> str:
    """The environment's public key, one line; made, with its private half, where it is missing."""
    key = folder / "ssh_key"
    if not key.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "airaware", "-f", key], check=True
        )
    return key.with_suffix(".pub").read_text().strip()


def write_config(folder: Path, hosts: list[Host], region: Region) -> Path:
    """OpenSSH's configuration for these hosts, by name: `ssh -F FILE NAME`.

    A host's key is taken at its first contact and kept under its instance id, which is never used
    again: another host at the same address is another host.
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
                    **region.ssh_options(host.instance_id, host.address),
                },
            )
            for host in hosts
        )
    )
    return path


def answers(config: Path, host: Host) -> bool:
    """Whether the host runs a command for us."""
    command = ["ssh", "-F", str(config), "-o", "BatchMode=yes", host.name, "true"]
    return subprocess.run(command, capture_output=True).returncode == 0


def _section(name: str, options: Mapping[str, object]) -> str:
    lines = (f"    {key} {value}" for key, value in options.items())
    return "\n".join((f"Host {name}", *lines, ""))
