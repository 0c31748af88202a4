"""Access to a fleet: its hosts, its outputs, its data, its jobs and its site."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from airaware import settings
from airaware.errors import AirAwareError
from airaware.raw import rawstore
from airaware.settings import Zone
from tools.environments import overview
from tools.environments.environment import Site
from tools.fleet import controller, databases, hosts, ssh, web_tier
from tools.fleet.controller import Controller
from tools.fleet.hosts import Host
from tools.fleet.timeline import Recorder
from tools.fleet.web_tier import WebTier
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import console
from tools.region import clients
from tools.region.interface import Region
from tools.region.terraform import Terraform

TERRAFORM = CHECKOUT / "terraform"
RAW = "raw"  # the raw files' folder in the bucket, as hosts know it (airaware::settings)


class FleetAccess:
    """What reaches a fleet that exists; `Fleet` adds what creates and changes it.

    `name` is that of a file in terraform/env/, plus that of a variant if it has one (lab-single).
    `folder` holds what the fleet's operator needs of it.
    """

    def __init__(self, name: str, folder: Path, region: Region) -> None:
        """Describe the fleet; nothing is asked yet."""
        self.name = name
        self.folder = folder
        self.region = region
        # As the hosts' tag has it.
        self.environment, _, self.variant = name.partition("-")

    @cached_property
    def terraform(self) -> Terraform:
        """Terraform for this environment; the region must be up."""
        return self._terraform(self.region.environ())

    def _terraform(self, environ: Mapping[str, str]) -> Terraform:
        return Terraform(
            TERRAFORM,
            self.environment,
            self.folder / "terraform",
            os.environ | environ | {"TF_VAR_ssh_public_key": ssh.public_key(self.folder)},
            settings.read().terraform_mirror,
            (self.variant,) if self.variant else (),
        )

    def hosts(self) -> list[Host]:
        """Return the hosts that there are.

        Raises:
            AirAwareError: The region is down.
        """
        self._must_be_up()
        return hosts.of(self.environment, self.region.environ())

    def client(self, service: str) -> Any:
        """Return a client of an AWS service in the fleet's region."""
        return clients.client(service, self.region.environ())

    def outputs(self) -> dict[str, Any]:
        """Return Terraform's outputs."""
        return self.terraform.outputs()

    def web_tier(self) -> WebTier:
        """Return the groups of web hosts.

        Raises:
            AirAwareError: The region is down.
        """
        self._must_be_up()
        return web_tier.of(self.client, self.outputs())

    @property
    def bucket(self) -> str:
        """The bucket with raw files and releases."""
        return str(self.outputs()["bucket"])

    def urls(self) -> dict[str, str]:
        """Return the addresses that a browser on this machine can open, by name, `site` first."""
        return dict(self.region.urls(self.outputs().get("site_url", "")))

    def domain(self) -> str:
        """Return the domain of the hosts' names."""
        return str(self.outputs()["domain"])

    def raw_store(self) -> rawstore.Store:
        """Return the raw store in the region's bucket.

        Raises:
            AirAwareError: The region is down.
        """
        self._must_be_up()
        return rawstore.S3Store(self.bucket, RAW, self.client("s3"))

    def controller(self) -> Controller:
        """Return the host where jobs start.

        Raises:
            AirAwareError: None is running.
        """
        for host in self._running("controller"):
            return Controller(self.ssh_config(), host.name)
        raise AirAwareError(f"No controller runs. Bring it back: fab deploy --env {self.name}")

    @contextmanager
    def reading(self) -> Iterator[tuple[Zone, ...]]:
        """Yield the zones' databases, to read only, for as long as the context lasts."""
        with databases.reading(
            self._running("database"), self.domain(), self.ssh_config(), self.region.environ()
        ) as zones:
            yield zones

    def submit_command(
        self, years: str, parameters: list[int], master: str = "", again: bool = False
    ) -> list[str]:
        """Return the command that the controller runs; `years` as in "2013,2015-2017"."""
        self._must_not_name(master)
        return controller.start_command("ID", years, parameters, again)

    def verify_commands(self, years: str, repair: bool) -> list[list[str]]:
        """Return the commands that verify each zone's loads, on the host of its database."""
        config = self.ssh_config()
        return [
            ssh.command(config, host.name, databases.verify_command(years, repair))
            for host in self._running("database")
        ]

    def submit(
        self, years: str, parameters: list[int], master: str = "", again: bool = False
    ) -> None:
        """Start the main job on the fleet's Spark, and print its output until it has ended.

        Raises:
            AirAwareError: It failed; its output says why.
        """
        self._must_not_name(master)
        place = self.controller()
        job = place.start(years, parameters, again)
        console.print(
            f"job {job} runs on {self.name}; it goes on without you. Leave with Ctrl-C, and come"
            f" back by: fab jobs --follow {job} --env {self.name}",
            markup=False,
        )
        place.follow(job)

    def ssh_config(self) -> Path:
        """Write OpenSSH's configuration for the hosts that there are now; return its path."""
        return ssh.write_config(self.folder, self.hosts(), self.region)

    def show_status(self) -> None:
        """Print the hosts, the addresses, the raw files and what is loaded."""
        self.show()
        if self.region.is_up():
            try:
                with self.reading() as zones:
                    overview.show_data(self.raw_store(), zones)
            except AirAwareError as error:
                console.print(f"the loads cannot be shown: {error}", markup=False)

    def site(self) -> Site:
        """Return the site, by its public name where it has a load balancer."""
        if not self.region.is_up():
            raise AirAwareError(f"It is down: fab deploy --env {self.name}")
        outputs = self.outputs()
        tier = web_tier.of(self.client, outputs)
        if not tier.groups:  # one host, reached as its operator does
            return Site(self.urls()["site"])
        record = partial(Recorder, tier, self.region.clock_factor())
        return Site(outputs["site_url"], self.region.outside(), record=record)

    def show(self) -> None:
        """Print the hosts, what is suspended, and the addresses that a browser can open."""
        if not self.region.is_up():
            console.print(f"environment {self.name} is down. fab deploy --env {self.name}")
            return
        overview.show_hosts(self.hosts())
        for line in self.web_tier().report():
            console.print(line, markup=False)
        for name, address in self.urls().items():
            console.print(f"{name}: [bold]{address}/[/]")

    def _running(self, role: str) -> list[Host]:
        return [host for host in self.hosts() if host.role == role and host.state == "running"]

    def _must_not_name(self, master: str) -> None:
        if master:
            raise AirAwareError(f"{self.name} has a Spark cluster of its own: leave --master out")

    def _must_be_up(self) -> None:
        if not self.region.is_up():
            raise AirAwareError(f"It is down: fab deploy --env {self.name}")
