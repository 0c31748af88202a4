"""A fleet: hosts that Terraform creates in a region, AWS's or one that stands in for it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from airaware.errors import AirAwareError
from tools.environments.fleet_access import FleetAccess
from tools.environments.local import state_folder
from tools.fleet import agents, hosts, passwords, ssh
from tools.fleet.agents import Report
from tools.fleet.hosts import Host
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import Stage, Step, carry_out, console
from tools.machine.usage import Meter
from tools.region import ami, packer
from tools.region.ami import Image
from tools.region.terraform import Plan
from tools.rollout import convergence, release, renewal, rollout

NEXT = """
What to try next:
  fab fetch-year 2013 --or-synthetic --env {env}   # EPA's files of a year, or made-up ones
  fab submit-year 2013 --env {env}                 # onto the site, by Spark
  fab drill zone-outage --env {env}                # lose a zone on purpose, and get it back
  fab destroy --env {env}                          # remove all of it"""
CA = "/var/lib/puppet/ssl/certs/ca.pem"  # on the master
WAIT_FOR_MASTER = "wait for the master's first run, and have web hosts trust its CA"


class Fleet(FleetAccess):
    """An environment of hosts in `region`: deployed, rolled back, replaced, destroyed."""

    _published = ""  # the version of the release that this object has published

    def bring_up(self, agree: Callable[[Plan], None], from_image: bool, dry_run: bool) -> None:
        """Deploy, then print what the machine did meanwhile and what runs now."""
        meter = Meter(CHECKOUT, state_folder())
        try:
            asked = agree if self.region.costs_money else None
            carry_out(self.deploy(asked, from_image), dry_run)
        finally:
            if not dry_run:
                console.print(str(meter.usage()), markup=False)
        if not dry_run:
            self.show()
            if not self.region.costs_money:
                console.print(NEXT.format(env=self.name), markup=False)

    def deploy(
        self, agree: Callable[[Plan], None] | None, from_image: bool = True
    ) -> Iterator[Step | Stage]:
        """Yield what brings the fleet to this checkout.

        The stages: network; release; image, if it is out of date; then the hosts, from that image.
        A dry run names the same steps; if the region is down, it assumes that there are no hosts
        and no images.

        Args:
            agree: Is shown what Terraform plans to change; raises to refuse. None agrees to all.
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
        if is_first:
            yield from self._change("network, bucket and identities", agree, {"stage": "network"})
        yield Step("make sure of the databases' passwords", self._ensure_passwords)
        yield Step("make and publish this checkout's release", lambda: self.publish(from_image))
        if from_image:
            yield Stage("build the image of all hosts, if it is out of date", self._build_image)
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
        agree: Callable[[Plan], None] | None,
        variables: Mapping[str, str],
        refresh: bool = True,
    ) -> Iterator[Step]:
        """Have Terraform create or change these parts of the fleet.

        Without `refresh`, Terraform trusts its state for the rest: it created that a moment ago.
        """
        if agree is None:
            yield Step(f"change it: {what}", lambda: self._change_at_once(variables, refresh))
            return
        plans: list[Plan] = []
        yield Step(
            f"ask Terraform what is to change: {what}",
            lambda: plans.append(self.plan(variables, refresh)),
        )
        for plan in plans:
            agree(plan)
        yield Step(f"change it: {what}", lambda: self.terraform.apply(console.print))

    def _change_at_once(self, variables: Mapping[str, str], refresh: bool) -> None:
        self._must_be_up()
        self.terraform.init()
        self.terraform.change(console.print, variables, refresh)

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

    def hiera_data(self, version: str, **more: Any) -> dict[str, str]:
        """Return the Hiera data that only a release has, and `more`, as files by their path."""
        return release.hiera_data(version, self._region_data() | more)

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
        """Return the Hiera data that only Terraform knows."""
        outputs = self.outputs()
        return {
            "airaware::settings::zones": outputs["databases"],
            "airaware::bucket": outputs["bucket"],
            "profile::database::web_hosts": outputs["most_web_hosts"],
            # A fleet that has hosts gets its release before Terraform knows a new output.
            "profile::web_proxy::balanced": outputs.get("balanced", True),
            "profile::web_proxy::exempt": outputs.get("load_generators", []),
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
        self._refuse_if_protected()
        self.terraform.destroy(console.print)

    def _refuse_if_protected(self) -> None:
        """Check for deletion protection first: AWS refuses only once hosts are gone already.

        Raises:
            AirAwareError: The load balancer is protected.
        """
        elb, name = self.client("elbv2"), self.outputs().get("balancer_dns_name")
        pages = elb.get_paginator("describe_load_balancers").paginate() if name else ()
        for balancer in (each for page in pages for each in page["LoadBalancers"]):
            arn = balancer["LoadBalancerArn"]
            attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
            protection = {"Key": "deletion_protection.enabled", "Value": "true"}
            if balancer["DNSName"] == name and protection in attributes:
                raise AirAwareError(
                    f"Nothing was destroyed: the load balancer of {self.name} is protected from"
                    " deletion. To delete it, too, lift that, then run this again: aws elbv2"
                    f" modify-load-balancer-attributes --load-balancer-arn {arn} --attributes"
                    " Key=deletion_protection.enabled,Value=false"
                )
