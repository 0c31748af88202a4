"""A fleet: hosts that Terraform creates in a region, AWS's or one that stands in for it."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
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
from tools.environments.local import state_folder
from tools.fleet import agents, controller, databases, hosts, passwords, ssh, web_tier
from tools.fleet.agents import Report
from tools.fleet.controller import Controller
from tools.fleet.hosts import Host
from tools.fleet.timeline import Recorder
from tools.fleet.web_tier import WebTier
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import Stage, Step, carry_out, console
from tools.machine.usage import Meter
from tools.region import ami, clients, packer
from tools.region.ami import Image
from tools.region.interface import Region
from tools.region.terraform import Plan, Terraform
from tools.rollout import convergence, release, renewal, rollout

TERRAFORM = CHECKOUT / "terraform"
NEXT = """
What to try next:
  fab fetch-year 2013 --or-synthetic --env {env}   # EPA's files of a year, or made-up ones
  fab submit-year 2013 --env {env}                 # onto the site, by Spark
  fab drill zone-outage --env {env}                # lose a zone on purpose, and get it back
  fab destroy --env {env}                          # remove all of it"""
CA = "/var/lib/puppet/ssl/certs/ca.pem"  # on the master
WAIT_FOR_MASTER = "wait for the master's first run, and have web hosts trust its CA"
RAW = "raw"  # the raw files' folder in the bucket, as hosts know it (airaware::settings)


class Fleet:
    """An environment of hosts in `region`; `folder` holds what its operator needs of it.

    `name` is that of a file in terraform/env/, plus that of a variant if it has one (lab-single).
    """

    def __init__(self, name: str, folder: Path, region: Region) -> None:
        """Describe the fleet; nothing is asked yet."""
        self.name = name
        self.folder = folder
        self.region = region
        self._published = ""  # the version of the release that this object has published
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

    def bring_up(self, agree: Callable[[Plan], None], from_image: bool, dry_run: bool) -> None:
        """Deploy, then print what the machine did meanwhile and what runs now."""
        meter = Meter(CHECKOUT, state_folder())
        try:
            asked = agree if self.region.costs_money else lambda _plan: None
            carry_out(self.deploy(asked, from_image), dry_run)
        finally:
            if not dry_run:
                console.print(str(meter.usage()), markup=False)
        if not dry_run:
            self.show()
            if not self.region.costs_money:
                console.print(NEXT.format(env=self.name), markup=False)

    def deploy(
        self, agree: Callable[[Plan], None], from_image: bool = True
    ) -> Iterator[Step | Stage]:
        """Yield what brings the fleet to this checkout.

        The stages: network; release; image, if it is out of date; then the hosts, from that image,
        Puppet's master first. A dry run names the same steps; if the region is down, it assumes
        that there are no hosts and no images.

        Args:
            agree: Is shown what Terraform plans to change; raises to refuse.
            from_image: Start new hosts from our own image, not the distribution's.

        Raises:
            AirAwareError: A zone is shifted away; nothing has been changed.
        """
        if self.region.is_up():
            self.web_tier().must_be_whole()
        if not self.region.is_up():
            yield Step("find Terraform and its provider", self._terraform({}).check)
        yield from self.region.prepare()
        is_first = not (self.region.is_up() and self._has_hosts())
        # Where there is an image, the master boots while the release is made.
        begins_with_master = is_first and from_image and self._has_current_image()
        if begins_with_master:
            yield from self._make_master(agree, from_image)
        elif is_first:
            yield from self._change("network, bucket and identities", agree, {"stage": "network"})
        yield Step("make sure of the databases' passwords", self._ensure_passwords)
        yield Step("make and publish this checkout's release", lambda: self.publish(from_image))
        if from_image:
            yield Stage("build the image of all hosts, if it is out of date", self._build_image)
        if is_first:
            if not begins_with_master:
                yield from self._make_master(agree, from_image, refresh=False)
            yield Step("wait until the master answers by SSH", self.wait_for_hosts)
            yield Step(WAIT_FOR_MASTER, self._keep_ca)
        variables = self._image_variable(from_image)
        yield from self._change("hosts", agree, variables, refresh=not is_first)
        # A web host is ready when a database is, which may take longer than its group waits.
        yield Step(
            "keep the web groups from replacing hosts until all are ready",
            lambda: rollout.keep_web_hosts(self),
        )
        yield Step("wait until every host answers by SSH", self.wait_for_hosts)
        yield from self.roll_out()
        # Last: a new host starts with the release that all have.
        yield Stage("give web hosts the image of new hosts, one by one", self._renew_web_hosts)

    def _change(
        self,
        what: str,
        agree: Callable[[Plan], None],
        variables: Mapping[str, str],
        refresh: bool = True,
    ) -> Iterator[Step]:
        """Have Terraform create or change these parts of the fleet.

        Without `refresh`, Terraform trusts its state for the rest: it created that a moment ago.
        """
        plans: list[Plan] = []
        yield Step(
            f"ask Terraform what is to change: {what}",
            lambda: plans.append(self.plan(variables, refresh)),
        )
        for plan in plans:
            agree(plan)
        yield Step(f"change it: {what}", lambda: self.terraform.apply(console.print))

    def _make_master(
        self, agree: Callable[[Plan], None], from_image: bool, refresh: bool = True
    ) -> Iterator[Step]:
        """Create a new fleet's master, and the network if needed, before hosts that wait for it."""
        variables = {"stage": "master"} | self._image_variable(from_image)
        yield from self._change("Puppet's master and the balancer", agree, variables, refresh)

    def _has_hosts(self) -> bool:
        self.terraform.init()
        return bool(self.terraform.outputs().get("hosts"))

    def _has_current_image(self) -> bool:
        # A dry run of a region that is down knows no images.
        return self.region.is_up() and not packer.Build(self).is_wanted()

    def build_image(self) -> Iterator[Step]:
        """Build the image if it is out of date, after publishing this checkout's release for it."""
        if packer.Build(self).is_wanted():
            yield Step("make and publish this checkout's release", self.publish)
        yield from self._build_image()

    def _build_image(self) -> Iterator[Step]:
        return packer.steps(self, lambda: self._published)

    def rollback(self) -> Iterator[Step | Stage]:
        """Yield what returns the fleet to the release before.

        Raises:
            AirAwareError: There is none, or a zone is shifted away.
        """
        self._must_be_up()
        self.web_tier().must_be_whole()
        previous = release.to_go_back_to(self.client("s3"), self.bucket)
        if not previous:
            raise AirAwareError("There is no release to go back to: this is the fleet's first")
        yield from self._roll_out(
            f"bring release {previous} to the master",
            "take back the hosts that left it",
            lambda: previous,
            rollout.steps_back,
        )

    def roll_out(self, version: str = "") -> Iterator[Step | Stage]:
        """Yield what brings each host to a release, the one just published if none is named.

        It stops at the first host that fails.
        """
        yield Step(WAIT_FOR_MASTER, self._keep_ca)
        yield Step(
            "wait for the hosts' first runs",
            lambda: rollout.wait_for_first_runs(self, self.hosts()),
        )
        yield Step(
            "have the web groups replace hosts again, once all are in service",
            lambda: rollout.replace_web_hosts(self),
        )
        yield from self._roll_out(
            f"bring {f'release {version}' if version else 'the release'} to the master",
            f"converge the hosts, one by one: {', '.join(rollout.ORDER)}",
            lambda: version or self._published,
            rollout.steps,
        )

    def _roll_out(
        self,
        bring: str,
        converge: str,
        version: Callable[[], str],
        steps: Callable[[rollout.Place, str, list[Report]], Iterator[Step]],
    ) -> Iterator[Step | Stage]:
        """Yield a roll-out; `version` is called when a step needs it: before, there may be none."""

        def converged() -> Iterator[Step]:
            reports: list[Report] = []
            yield from steps(self, version(), reports)
            agents.show(reports)

        yield Step(bring, lambda: self._begin(version()))
        yield Stage(converge, converged)
        yield Step("have new hosts get it, too", lambda: self._settle(version()))
        yield Step(
            "resume what deployments have left suspended in the web groups",
            lambda: rollout.restore_web_groups(self),
        )
        yield Step("wait until the site answers", self.wait_for_site)

    def puppet(self, host: str, noop: bool) -> Iterator[Step]:
        """Yield what runs Puppet's agent on all hosts now, or on one, and shows its output."""
        there = self.hosts()
        for each in [hosts.find(there, host)] if host else there:
            yield Step(f"run the agent of {each.name}", partial(self._run_agent, each, noop))

    def _run_agent(self, host: Host, noop: bool) -> None:
        report, said = agents.run(self.ssh_config(), host, noop=noop)
        console.print(said, markup=False)
        agents.show([report])

    def plan(self, variables: Mapping[str, str] | None = None, refresh: bool = True) -> Plan:
        """Return what `deploy` would change.

        Raises:
            AirAwareError: The region is down.
        """
        self._must_be_up()
        self.terraform.init()
        chosen = self._image_variable() if variables is None else variables
        return self.terraform.plan(variables=chosen, refresh=refresh)

    def replace(self, host: Host, agree: Callable[[Plan], None]) -> Iterator[Step]:
        """Yield what recreates a named host from the newest image; its volume stays.

        Raises:
            AirAwareError: It is a web host of a group; `deploy` renews those.
        """
        if host.name not in self.terraform.outputs()["hosts"]:
            raise AirAwareError(
                f"{host.name} belongs to a group: fab deploy gives web hosts their new image, and"
                " the group itself replaces one that is ill"
            )
        resource = f'module.host["{host.name}"].aws_instance.this'
        plans: list[Plan] = []
        yield Step(
            f"ask Terraform what a new {host.name} changes",
            lambda: plans.append(
                self.terraform.plan(replace=resource, variables=self._image_variable())
            ),
        )
        for plan in plans:
            agree(plan)
        yield Step(f"replace {host.name}", lambda: self.terraform.apply(console.print))
        yield Step("wait until every host answers by SSH", self.wait_for_hosts)

    def image(self) -> Image | None:
        """Return the image that new hosts start from; None if none was built."""
        return ami.newest(ami.there(self.environment, self.region.environ()))

    def _image_variable(self, from_image: bool = True) -> dict[str, str]:
        """Return Terraform's variable that names the image, and print which image that is."""
        image = self.image() if from_image and self.region.is_up() else None
        if image is None:
            return {}
        hint = "" if ami.is_current(image, self.environment) else "; out of date: fab images"
        console.print(f"hosts start from {image.name} ({image.id}, commit {image.commit}{hint})")
        return {"image_id": image.id}

    def _renew_web_hosts(self) -> Iterator[Step]:
        """Yield what gives the web groups' hosts the image that new hosts have."""
        return renewal.steps(self.web_tier())

    def take_down(self, dry_run: bool) -> None:
        """Destroy, step by step."""
        carry_out(self.destroy(), dry_run)

    def destroy(self) -> Iterator[Step]:
        """Yield what deletes the fleet, its data and what this machine keeps of it."""
        if self.region.costs_money and self.folder.exists():
            yield Step("destroy all that Terraform made", self._destroy)
            yield Step("delete the passwords", self._forget_passwords)
        yield from self.region.remove()
        if self.folder.exists():
            yield Step(f"delete {self.folder}", lambda: shutil.rmtree(self.folder))

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

    def hiera_data(self, version: str, **more: Any) -> dict[str, str]:
        """Return the Hiera data that only a release has, and `more`, as files by their path."""
        return release.hiera_data(version, self._region_data() | more)

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

    def wait_for_hosts(self) -> None:
        """Wait until each host runs a command for us.

        Raises:
            StalledError: One does not.
        """
        convergence.wait_for_boot(
            self.ssh_config(),
            self.hosts(),
            partial(rollout.stays, self),
            f"See what runs: fab status --env {self.name}",
        )

    def wait_for_site(self) -> None:
        """Wait until the site is ready.

        Raises:
            StalledError: Its readiness check's answer no longer changes.
        """
        convergence.wait_for_site(
            f"{self.urls()['site']}/readyz", f"See what runs: fab status --env {self.name}"
        )

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

    def publish(self, from_image: bool = True) -> str:
        """Build and publish this checkout's release; return its version.

        Third-party packages go with it unless hosts have them from a current image.
        """
        has_image = from_image and self._has_current_image()
        packages = None if has_image else self.region.packages(console.print)
        s3 = self.client("s3")
        with release.made(self._region_data(), console.print) as made:
            release.publish(
                s3, self.bucket, made, console.print, has_image=has_image, packages=packages
            )
        release.offer(s3, self.bucket, made.version)
        self._published = made.version
        return made.version

    def _begin(self, version: str) -> None:
        release.begin(self.client("s3"), self.bucket, version)
        rollout.bring_to_master(self, version)

    def _settle(self, version: str) -> None:
        rollout.serve(self, version)
        release.settle(self.client("s3"), self.bucket, version)

    def _region_data(self) -> dict[str, Any]:
        """Return the Hiera data that only Terraform knows: the zones' databases, and the bucket."""
        outputs = self.outputs()
        return {
            "airaware::settings::zones": outputs["databases"],
            "airaware::bucket": outputs["bucket"],
        }

    def _ensure_passwords(self) -> None:
        passwords.ensure(self.client("ssm"), self.environment)

    def _keep_ca(self) -> None:
        rollout.wait_for_first_runs(self, self._running("puppet"))
        (master,) = self._running("puppet")
        certificate = ssh.run(self.ssh_config(), master.name, ["sudo", "cat", CA])
        passwords.keep_ca(self.client("ssm"), self.environment, certificate)

    def _forget_passwords(self) -> None:
        passwords.forget(self.client("ssm"), self.environment)

    def _destroy(self) -> None:
        self.terraform.init()
        self.terraform.destroy(console.print)

    def _must_be_up(self) -> None:
        if not self.region.is_up():
            raise AirAwareError(f"It is down: fab deploy --env {self.name}")
