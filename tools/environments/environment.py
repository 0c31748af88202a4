"""What every environment can do, be it this machine or a fleet."""

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
    """A site that runs, as a load on it needs to know it."""

    url: str
    outside: Sequence[str] = ()  # words before a command that run it where the visitors are
    server: int = 0  # the process id of its web server, where that is on this machine
    record: Callable[[], Recorder] | None = None  # where its web tier grows with the load


class Environment(Protocol):
    """An environment as the tasks of `fab` see it. Its folder holds all that is kept of it here."""

    name: str
    folder: Path

    def bring_up(self, agree: Callable[[Plan], None], from_image: bool, dry_run: bool) -> None:
        """Bring the site of this checkout up, step by step; a dry run only names the steps.

        Where Terraform's changes cost money, `agree` is shown them first, and raises to refuse.
        Hosts start from an image of ours if `from_image`.
        """

    def take_down(self, dry_run: bool) -> None:
        """Stop everything and delete it with its data; a dry run only names the steps."""

    def show_status(self) -> None:
        """Print what runs and what is loaded."""

    def site(self) -> Site:
        """Return the site. Raises AirAwareError where it does not run."""

    def urls(self) -> Mapping[str, str]:
        """Return what a browser on this machine can open, by name, `site` first."""

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
        """Run the main job. Raises AirAwareError where it failed."""

    def verify_commands(self, years: str, repair: bool) -> list[list[str]]:
        """Return the commands that verify the loads of each zone; all years where none is named."""
