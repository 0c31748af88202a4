"""Where a fleet's hosts live: what the fleet asks of AWS, or of whatever stands in for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from tools.machine.steps import Step


class Region(Protocol):
    """An AWS region as its operator reaches it."""

    # Ask before anything is made, and delete all of it piece by piece: it outlives what is here.
    costs_money: bool

    def prepare(self) -> Iterator[Step]:
        """Yield what must be done before Terraform can talk to the region.

        The steps raise AirAwareError where something is missing, before anything is changed.
        """

    def is_up(self) -> bool:
        """Whether Terraform and AWS's clients can be pointed at it."""

    def environ(self) -> Mapping[str, str]:
        """Return the environment variables by which AWS's clients find it."""

    def ssh_options(self, instance_id: str, address: IPv4Address) -> Mapping[str, str]:
        """OpenSSH's options that lead to a host's port 22, which no network outside can reach."""

    def clock_factor(self) -> float:
        """How many times as fast as AWS's its metrics and alarms go."""

    def outside(self) -> Sequence[str]:
        """Words before a command that run it where the site's visitors are, who find it by name."""

    def one_visitor(self) -> str:
        """Return an address of a single visitor to bind to there; empty where any would do."""

    def packages(self, progress: Callable[[str], None]) -> Path | None:
        """Return an apt repository, as a folder, where hosts cannot reach Debian's mirrors."""

    def packer(self) -> AbstractContextManager[Mapping[str, str]]:
        """Variables of packer/ that lead Packer to the region and to a builder's port 22."""

    def urls(self, site_url: str) -> Mapping[str, str]:
        """Return what a browser on this machine can open, by name, `site` first."""

    def remove(self) -> Iterator[Step]:
        """Yield what takes down the region itself, after Terraform has destroyed what was in it."""
