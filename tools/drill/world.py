"""The fleet as a drill sees and touches it: AWS's API, SSH, and Prometheus where it answers.

Nothing here knows which region it is.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import psycopg2
import requests
from botocore.exceptions import ClientError

from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store import manifest
from airaware.store.manifest import Held
from tools.drill.places import PLACE, filled
from tools.environments.fleet import Fleet
from tools.environments.fleet_access import RAW
from tools.fleet import hosts, ssh, web_tier
from tools.fleet.hosts import Host
from tools.fleet.web_tier import WebTier
from tools.region import clients
from tools.rollout import release

PROMETHEUS = "http://127.0.0.1:9090/api/v1"  # on the monitoring host
ALERT_STEP_SECONDS = 5
EVALUATIONS = "30s"  # two of the alerts' rules
OF_A_ZONE = frozenset({"ZoneInTrouble", "DatabaseDown", "ZonePassedOver"})  # alerts that blame one
# What visitors ask for: a cell that nobody has asked for, which takes a database.
NEW_PLACE = f"/api/v1/air?address={PLACE}"
ANSWER_SECONDS = 10


def firing(labels: str) -> str:
    """Return PromQL for the alerts with these labels that fire now.

    For five minutes, a restarted Prometheus takes alerts for firing that ended before its restart;
    the second condition leaves them out.
    """
    alerts = f'ALERTS{{alertstate="firing", {labels}}}'
    return f"({alerts} and last_over_time({alerts}[{EVALUATIONS}]))"


@dataclass(frozen=True)
class Sample:
    """The web tier at a moment (time.monotonic).

    `servers` has by zone the running web hosts, `healthy` those that the load balancer reports as
    healthy; `states` has each target's state by instance id. `wanted` has the sizes that the zones'
    groups are to have, `members` their hosts, but for those that leave, by instance id.
    """

    at: float
    servers: Mapping[str, int]
    healthy: Mapping[str, int]
    states: Mapping[str, str]
    wanted: Mapping[str, int]
    members: Mapping[str, frozenset[str]]

    @property
    def in_service(self) -> frozenset[str]:
        """The hosts that the load balancer reports as healthy, by instance id."""
        return frozenset(host for host, state in self.states.items() if state == "healthy")


@dataclass(frozen=True)
class Look:
    """What a zone held of a year at a moment (time.monotonic); None where it could not be read."""

    at: float
    zone: str
    held: Held | None


class World:
    """A fleet with a load balancer, as a drill finds it; `notes` is what actions have found out."""

    def __init__(self, fleet: Fleet) -> None:
        """Wrap a fleet; nothing is asked yet."""
        self.fleet = fleet
        self.environment = fleet.environment
        self.client = cache(self._client)
        self.notes: dict[str, Any] = {}

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs.

        Raises:
            AirAwareError: The fleet is down, or has no load balancer.
        """
        self.fleet.hosts()  # if it is down, its error says what to do
        outputs = self.fleet.terraform.outputs()
        if not outputs.get("web_groups"):
            raise AirAwareError(
                f"{self.fleet.name} has no load balancer and no scaling groups to drill"
            )
        return outputs

    @cached_property
    def web_tier(self) -> WebTier:
        """The scaling groups of web hosts."""
        return web_tier.of(self.client, self.outputs)

    @property
    def groups(self) -> dict[str, str]:
        """Each zone's scaling group, by zone."""
        return dict(self.outputs["web_groups"])

    @property
    def target_group(self) -> str:
        """The target group's ARN."""
        return str(self.outputs["target_group_arn"])

    @cached_property
    def balancer(self) -> str:
        """The load balancer's ARN."""
        described = self.client("elbv2").describe_target_groups(TargetGroupArns=[self.target_group])
        return str(described["TargetGroups"][0]["LoadBalancerArns"][0])

    def must_have(self, zone: str) -> None:
        """Check that the fleet has this zone.

        Raises:
            AirAwareError: It does not.
        """
        if zone not in self.groups:
            raise AirAwareError(f"There is no zone '{zone}'. Zones are: {', '.join(self.groups)}")

    @cached_property
    def site(self) -> str:
        """The site's public address."""
        return str(self.outputs["site_url"])

    def paths(self) -> tuple[str, ...]:
        """Return the paths that visitors ask for: places' air, or the start page without a load."""
        with suppress(requests.RequestException):
            address = f"{self.fleet.urls()['site']}{next(filled([NEW_PLACE]))}"
            if requests.get(address, timeout=ANSWER_SECONDS).ok:
                return (NEW_PLACE,)
        return ("/",)

    def hosts(self) -> list[Host]:
        """Return all hosts that there are now."""
        return hosts.described(self.environment, self.client("ec2"))

    def web_hosts(self, zone: str) -> list[Host]:
        """Return the zone's running web hosts."""
        return [h for h in self.hosts() if (h.role, h.zone, h.state) == ("web", zone, "running")]

    def serving(self, zone: str) -> list[Host]:
        """Return the zone's running web hosts that the load balancer reports as healthy."""
        states = self.web_tier.target_states()
        return [h for h in self.web_hosts(zone) if states.get(h.instance_id) == "healthy"]

    def subnets(self, zone: str) -> dict[str, str]:
        """Return the zone's subnets: subnet id -> VPC id."""
        described = self.client("ec2").describe_subnets(
            Filters=[
                {"Name": "availability-zone", "Values": [zone]},
                {"Name": "tag:Environment", "Values": [self.environment]},
            ]
        )
        return {each["SubnetId"]: each["VpcId"] for each in described["Subnets"]}

    def acls(self) -> dict[str, tuple[str, str]]:
        """Return each subnet's network ACL id, and the id of their association."""
        vpc_id = next(iter(self.subnets(next(iter(self.groups))).values()))
        described = self.client("ec2").describe_network_acls(
            Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
        )
        return {
            each["SubnetId"]: (acl["NetworkAclId"], each["NetworkAclAssociationId"])
            for acl in described["NetworkAcls"]
            for each in acl["Associations"]
        }

    def nodes(self) -> dict[str, str]:
        """Return the zone of each of the load balancer's addresses."""
        name = f"ELB {self.balancer.partition('loadbalancer/')[2]}"
        interfaces = self.client("ec2").describe_network_interfaces(
            Filters=[{"Name": "description", "Values": [name]}]
        )["NetworkInterfaces"]
        return {
            address: each["AvailabilityZone"]
            for each in interfaces
            for address in (
                each["PrivateIpAddress"],
                each.get("Association", {}).get("PublicIp"),
            )
            if address
        }

    @property
    def bucket(self) -> str:
        """The bucket with raw files and releases."""
        return str(self.outputs["bucket"])

    def bucket_policy(self) -> str:
        """Return the bucket's policy as JSON; empty where it has none."""
        try:
            return str(self.client("s3").get_bucket_policy(Bucket=self.bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
                return ""
            raise

    def raw_files(self) -> list[tuple[str, int]]:
        """Return key and size of everything in the raw store."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        return [
            (each["Key"], each["Size"])
            for page in pages.paginate(Bucket=self.bucket, Prefix=f"{RAW}/")
            for each in page.get("Contents", ())
        ]

    @cached_property
    def least_load(self) -> tuple[int, int]:
        """Parameter and year of the smallest load, which drills of the batch load again.

        Raises:
            AirAwareError: No year is loaded.
        """
        with self.fleet.reading() as zones:
            found = [load for zone in zones for load in manifest.loads(zone)]
        if not found:
            raise AirAwareError(
                "No year is loaded, so there is nothing to drill. Load one: fab submit-year YEAR"
            )
        least = min(found, key=lambda load: load.rows_read)
        return least.parameter, least.year

    @contextmanager
    def reading(self) -> Iterator[Callable[[], list[Look]]]:
        """Yield a function that looks at `least_load` in each zone."""
        parameter, year = self.least_load

        def look(zone: Zone) -> Look:
            at, found = time.monotonic(), None
            with suppress(AirAwareError, psycopg2.Error):
                found = manifest.held(zone, parameter, year)
            return Look(at, zone.name, found)

        with self.fleet.reading() as zones, ThreadPoolExecutor(len(zones) or 1) as several:
            yield lambda: list(several.map(look, zones))

    def looks(self) -> list[Look]:
        """Look at `least_load` in each zone; return none where that cannot be read at all."""
        with suppress(AirAwareError, psycopg2.Error), self.reading() as look:
            return look()
        return []

    def jobs(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the state of each of these jobs that was started, in their order."""
        states = {job.id: job.state for job in self.fleet.controller().jobs()} if ids else {}
        return {job: states[job] for job in ids if job in states}

    def sample(self) -> Sample:
        """Return the web tier's state now."""
        at = time.monotonic()
        states, groups = self.web_tier.target_states(), self.web_tier.described()
        web = [host for host in self.hosts() if host.role == "web" and host.state == "running"]
        servers = Counter(host.zone for host in web)
        healthy = Counter(h.zone for h in web if states.get(h.instance_id) == "healthy")
        return Sample(
            at,
            {zone: servers[zone] for zone in self.groups},
            {zone: healthy[zone] for zone in self.groups},
            states,
            {zone: int(group["DesiredCapacity"]) for zone, group in groups.items()},
            {zone: frozenset(_staying(group)) for zone, group in groups.items()},
        )

    def version(self) -> str | None:
        """Return the release that the fleet runs; None before its first."""
        return release.marked(self.client("s3"), self.bucket, release.CURRENT)

    def inventory(self) -> dict[str, Any]:
        """Return what a drill may have touched, to compare before and after."""
        return {
            "network ACL by subnet": {subnet: acl for subnet, (acl, _) in self.acls().items()},
            "suspended processes": {
                zone: sorted(self.web_tier.suspended(zone)) for zone in self.groups
            },
            "sizes of groups": {
                zone: [group["MinSize"], group["MaxSize"]]
                for zone, group in self.web_tier.described().items()
            },
            "bucket policy": self.bucket_policy(),
            "raw files": self.raw_files(),
            "release": self.version(),
            "hosts with a name": sorted(
                [host.name, host.instance_id, host.state]
                for host in self.hosts()
                if host.role != "web"
            ),
        }

    def ssh(self, host: Host, words: list[str]) -> str:
        """Return a command's output on a host.

        Raises:
            AirAwareError: The command failed.
        """
        config = ssh.write_config(self.fleet.folder, self.hosts(), self.fleet.region)
        return ssh.run(config, host.name, words)

    def prometheus(self, path: str, **parameters: str) -> list[dict[str, Any]] | None:
        """Return the result of a Prometheus query; None where none answers."""
        found = [h for h in self.hosts() if h.role == "monitoring" and h.state == "running"]
        if not found:
            return None
        words = [f"{name}={value}" for name, value in parameters.items()]
        options = [option for word in words for option in ("--data-urlencode", word)]
        ask = ["curl", "-sS", "--max-time", "5", "--get", *options, f"{PROMETHEUS}/{path}"]
        try:
            said = self.ssh(found[0], ask)
            return list(json.loads(said)["data"]["result"])
        except (AirAwareError, ValueError, KeyError):
            return None

    def alerts(self, seconds: float, zone: str) -> list[tuple[str, float, float]] | None:
        """Return the alerts that fired in the last `seconds`, but for notes.

        Returns:
            Name, begin and end (time.monotonic) of each; None where no monitoring host answers. An
            alert that blames another zone than `zone` has that zone in its name.
        """
        offset = time.time() - time.monotonic()
        result = self.prometheus(
            "query_range",
            query="max by (alertname, zone) " + firing('severity!="note"'),
            start=f"{time.time() - seconds:.0f}",
            end=f"{time.time():.0f}",
            step=f"{ALERT_STEP_SECONDS}",
        )
        if result is None:
            return None
        return [
            (
                _alert_name(each["metric"], zone),
                float(each["values"][0][0]) - offset,
                float(each["values"][-1][0]) - offset,
            )
            for each in result
        ]

    def cpu(self, zone: str, seconds: float) -> list[tuple[float, float]]:
        """Return the mean CPU of the zone's group in percent over the last `seconds`.

        Returns:
            Pairs of time.monotonic and percent; empty where no host reports.
        """
        now, offset = datetime.now(UTC), time.time() - time.monotonic()
        points = self.web_tier.cpu(zone, now - timedelta(seconds=seconds), now)
        return [(at - offset, percent) for at, percent in points]

    def _client(self, service: str) -> Any:
        return clients.client(service, self.fleet.region.environ())


def _staying(group: Mapping[str, Any]) -> Iterator[str]:
    return (
        member["InstanceId"]
        for member in group["Instances"]
        if member["LifecycleState"] == "InService"
    )


def _alert_name(labels: Mapping[str, str], zone: str) -> str:
    name, blamed = labels["alertname"], labels.get("zone", zone)
    return f"{name} of {blamed}" if name in OF_A_ZONE and blamed != zone else name
