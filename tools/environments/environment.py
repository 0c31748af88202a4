"""What every environment can do, this machine and fleets alike."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from airaware.raw import rawstore
from airaware.settings import Zone
from tools.fleet.timeline import Recorder
from tools.region.terraform import Plan


@dataclass(frozen=True)
class Site:
    """A running site, as a load test sees it."""

    url: str
    outside: Sequence[str] = ()  # words before a command that run it where the visitors are
    server: int = 0  # the process id of its web server, where that is on this machine
    record: Callable[[], Recorder] | None = None  # where its web tier grows with the load


class Environment(Protocol):
    """An environment as the tasks of `fab` see it; `folder` holds what this machine keeps of it."""

    name: str
    folder: Path

    def bring_up(self, agree: Callable[[Plan], None], from_image: bool, dry_run: bool) -> None:
        """Bring up the site of this checkout, step by step; a dry run only names the steps.

        Args:
            agree: Is shown Terraform's changes first where they cost money; raises to refuse.
            from_image: Start hosts from our own image.
            dry_run: Only name the steps.
        """

    def take_down(self, dry_run: bool) -> None:
        """Stop everything and delete it with its data; a dry run only names the steps."""

    def show_status(self) -> None:
        """Print what runs and what is loaded."""

    def site(self) -> Site:
        """Return the site.

        Raises:
            AirAwareError: It is not running.
        """

    def urls(self) -> Mapping[str, str]:
        """Return the addresses that a browser on this machine can open, by name, `site` first."""

    def raw_store(self) -> rawstore.Store:
        """Return the raw store, opened."""

    def reading(self) -> AbstractContextManager[tuple[Zone, ...]]:
        """Return the zones' databases, to read only."""

    def submit_command(
        self, years: str, parameters: list[int], master: str = "", again: bool = False
    ) -> list[str]:
        """Return the command that `submit` runs; `years` as in "2013,2015-2017"."""

    def submit(
        self, years: str, parameters: list[int], master: str = "", again: bool = False
    ) -> None:
        """Run the main job.

        Raises:
            AirAwareError: It failed.
        """

    def verify_commands(self, years: str, repair: bool) -> list[list[str]]:
        """Return the commands that verify each zone's loads of these years; all years if empty."""
