"""The region's interface, moto in this process behind TLS, and what its backends hold."""

import base64
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

# moto reads these when it makes its backends: policies such as AmazonSSMManagedInstanceCore are
# there to be attached, and no image is but the lab's own.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

import trustme
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import EC2Backend, ec2_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.route53.models import route53_backends
from werkzeug.serving import ThreadedWSGIServer

from tools.lab import model
from tools.lab.aws import (  # importing them registers their patches
    autoscaling_gaps,  # noqa: F401
    ec2_gaps,
    elb_gaps,
    gaps,
    iam_gaps,  # noqa: F401
    image_gaps,
    policy_gaps,  # noqa: F401
    route53_gaps,  # noqa: F401
)
from tools.lab.aws.access.enforcement import Access
from tools.lab.aws.calls import REGION
from tools.lab.aws.gate import Gate

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request

CERTIFICATE_NAMES = ("127.0.0.1", "localhost", "*.localhost", "192.0.2.1")
IDLE_SECONDS = 60
# EC2's states in which there is an instance to be run or kept: those on the way count as there.
STATES = {"pending": "running", "running": "running", "stopping": "stopped", "stopped": "stopped"}
PROTOCOLS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp"}


class Moto:
    """The region's state and its interface. moto's state is the process's, so one is enough."""

    def __init__(self, access: Access | None = None) -> None:
        """Fill moto's gaps; nothing is served before `start`. `access` enforces IAM."""
        gaps.fill()
        self._access = access
        # One at a time: moto's backends have no locks, and a snapshot must not see half a request.
        self.lock = threading.RLock()
        self._servers: list[Server] = []

    def start(self, sockets: Iterable[socket.socket], ca: Path) -> None:
        """Serve HTTPS on listening sockets; `ca` is written, to verify the endpoint with."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*CERTIFICATE_NAMES).configure_cert(context)
        app = _Locked(
            Gate(DomainDispatcherApplication(create_backend_app), self._access), self.lock
        )
        self._servers = [Server(listening, app, context) for listening in sockets]

    def stop(self) -> None:
        """Serve no more. What moto holds is gone with the process."""
        for server in self._servers:
            server.shutdown()

    def register_image(self, image: model.Image) -> str:
        """Make an image known, as if this account had made it, and return its id.

        It gets a new id where it has none.
        """
        with self.lock:
            return image_gaps.register(ec2_backends[DEFAULT_ACCOUNT_ID][REGION], image)

    def settle_image(self, image_id: str, layer: str) -> bool:
        """Have an image's disk be that layer, or if empty have failed. False: it is gone."""
        with self.lock:
            return image_gaps.settle(ec2_backends[DEFAULT_ACCOUNT_ID][REGION], image_id, layer)

    def read(self) -> model.Region:
        """Return the region as it is now (milliseconds)."""
        with self.lock:
            ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
            elb = elbv2_backends[DEFAULT_ACCOUNT_ID][REGION]
            subnets = {subnet.id: subnet for subnet in _subnets(ec2)}
            instances = {instance.id: instance for instance in _instances(ec2, subnets)}
            return model.Region(
                subnets=subnets,
                groups={group.id: group for group in _groups(ec2)},
                instances=instances,
                images={image.id: image for image in image_gaps.images(ec2)},
                balancers=tuple(_balancers(elb)),
                target_groups={group.arn: group for group in _target_groups(elb, instances)},
                records=tuple(sorted(_records())),
                aliases=tuple(sorted(_aliases())),
                domain=_domain(ec2),
            )


class _Locked:
    """A WSGI application that does one request at a time, but for S3's.

    A release's upload takes long, and no snapshot reads S3.
    """

    def __init__(self, app: Any, lock: threading.RLock) -> None:
        self._app, self._lock = app, lock

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            return self._app(environ, start_response)
        with self._lock:
            return self._app(environ, start_response)


class _Handler(MotoRequestHandler):
    """Keeps a connection for further requests, but not for ever."""

    timeout = IDLE_SECONDS
    protocol_version = "HTTP/1.1"
    # Head and body in one go: AWS's SDK for Go, and so Terraform, may lose a body that comes later
    # on a connection that is to be closed, and then asks again for what was done already.
    wbufsize = 1 << 20

    def handle_expect_100(self) -> bool:
        """Have a client that waits before it sends its body go on, once."""
        del self.headers["Expect"]
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True


class Server(ThreadedWSGIServer):
    """Serves an application on a listening socket, with TLS where a context is given.

    werkzeug's own would do TLS's handshake in the thread that accepts: a host that stops in the
    midst of one would hold up all others.
    """

    def __init__(
        self, listening: socket.socket, app: Any, context: ssl.SSLContext | None = None
    ) -> None:
        """Serve at once, in a thread of its own."""
        host, port = listening.getsockname()
        super().__init__(host, port, app, _Handler, fd=listening.fileno())
        self.ssl_context = context
        name = f"serve {host}:{port}"
        threading.Thread(target=self.serve_forever, name=name, daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, in a thread of its own."""
        request.settimeout(IDLE_SECONDS)
        if self.ssl_context is None:
            super().finish_request(request, client_address)
        else:
            with self.ssl_context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that leaves or distrusts the certificate is no fault of ours."""


def _instances(ec2: EC2Backend, subnets: dict[str, model.Subnet]) -> Iterator[model.Instance]:
    for reservation in ec2.reservations.values():
        for instance in reservation.instances:
            state = STATES.get(instance.state)
            nic = instance.nics[0]
            if state is None or nic.subnet.id not in subnets:
                continue
            key = ec2.key_pairs.get(instance.key_name or "")
            yield model.Instance(
                id=instance.id,
                state=state,
                launch=ec2_gaps.launch_count(instance),
                zone=nic.subnet.availability_zone,
                interface=model.Interface(
                    IPv4Address(nic.private_ip_address),
                    nic.subnet.id,
                    frozenset(g.id for g in instance.security_groups or nic.group_set),
                ),
                layer=image_gaps.layer_of(instance),
                type=instance.instance_type,
                user_data=base64.b64decode(str(instance.user_data or "")),
                public_key=key.public_key.strip() if key else "",
                hostname=instance.private_dns_name,
                tags=tuple(sorted(_tags(ec2, instance.id).items())),
                volumes=tuple(_volumes(ec2, instance)),
            )


def _volumes(ec2: EC2Backend, instance: Any) -> Iterator[model.Volume]:
    """Those that hold data: an instance's root volume has no tag Mount."""
    for device in instance.block_device_mapping.values():
        if mount := _tags(ec2, device.volume_id).get("Mount"):
            size = int(ec2.volumes[device.volume_id].size)
            yield model.Volume(device.volume_id, mount, size)


def _tags(ec2: EC2Backend, resource_id: str) -> dict[str, str]:
    # Not get_tags(): that goes through the tags of all resources.
    return dict(ec2.tags[resource_id]) if resource_id in ec2.tags else {}


def _subnets(ec2: EC2Backend) -> Iterator[model.Subnet]:
    """Those of the networks that were made: an account's default network has no part in the lab."""
    acls = {
        association.subnet_id: acl
        for acl in ec2.network_acls.values()
        for association in acl.associations
    }
    public = _public_subnet_ids(ec2)
    for by_id in ec2.subnets.values():
        for subnet in by_id.values():
            if not ec2.vpcs[subnet.vpc_id].is_default:
                yield model.Subnet(
                    id=subnet.id,
                    zone=subnet.availability_zone,
                    network=IPv4Network(subnet.cidr_block),
                    acl=tuple(_acl_entries(acls[subnet.id])) if subnet.id in acls else (),
                    public=subnet.id in public,
                )


def _public_subnet_ids(ec2: EC2Backend) -> set[str]:
    """Return the subnets whose route table (own or main) leads to the Internet."""
    main: dict[str, bool] = {}
    own: dict[str, bool] = {}
    for table in ec2.route_tables.values():
        out = any(str(route.gateway_id).startswith("igw-") for route in table.routes)
        if table.main_association_id:
            main[table.vpc_id] = out
        for associated in table._associations.values():
            own[associated] = out
    return {
        subnet.id
        for by_id in ec2.subnets.values()
        for subnet in by_id.values()
        if own.get(subnet.id, main.get(subnet.vpc_id, False))
    }


def _acl_entries(acl: Any) -> Iterator[model.AclEntry]:
    for entry in sorted(acl.entries, key=lambda e: (e.egress, int(e.rule_number))):
        if entry.cidr_block:
            protocol = PROTOCOLS.get(str(entry.protocol), str(entry.protocol))
            yield model.AclEntry(
                number=int(entry.rule_number),
                egress=entry.egress,
                protocol=protocol,
                ports=_ports(protocol, entry.port_range_from, entry.port_range_to),
                network=IPv4Network(entry.cidr_block),
                allow=entry.rule_action == "allow",
            )


def _groups(ec2: EC2Backend) -> Iterator[model.SecurityGroup]:
    for by_id in ec2.groups.values():
        for group in by_id.values():
            yield model.SecurityGroup(
                id=group.id,
                ingress=frozenset(_rules(group.ingress_rules)),
                egress=frozenset(_rules(group.egress_rules)),
            )


def _rules(rules: Iterable[Any]) -> Iterator[model.Rule]:
    """Rules for IPv4 and for groups; a rule for a prefix list names nothing that the lab has."""
    for rule in rules:
        protocol = PROTOCOLS.get(str(rule.ip_protocol), str(rule.ip_protocol))
        ports = _ports(protocol, rule.from_port, rule.to_port)
        if network := rule.ip_range.get("CidrIp"):
            yield model.Rule(protocol, ports, IPv4Network(network))
        if group := rule.source_group.get("GroupId"):
            yield model.Rule(protocol, ports, group)


def _ports(protocol: str, first: Any, last: Any) -> tuple[int, int] | None:
    """First and last port; None where all are meant, or the protocol has none."""
    if protocol not in ("tcp", "udp") or first is None or int(first) < 0:
        return None
    return int(first), int(last)


def _balancers(elb: ELBv2Backend) -> Iterator[model.Balancer]:
    for balancer in elb.load_balancers.values():
        if balancer.type != "application":
            continue
        listeners = tuple(_listeners(balancer))
        served = [elb.target_groups.get(listener.target_group_arn) for listener in listeners]
        yield model.Balancer(
            arn=balancer.arn,
            dns_name=balancer.dns_name,
            # An application load balancer's is always on; a target group may turn it off.
            cross_zone=not any(
                group.attributes.get("load_balancing.cross_zone.enabled") == "false"
                for group in served
                if group is not None
            ),
            idle_timeout_seconds=int(balancer.attrs.get("idle_timeout.timeout_seconds", 60)),
            nodes=tuple(
                model.Node(
                    nic.subnet.availability_zone,
                    model.Interface(
                        IPv4Address(nic.private_ip_address),
                        nic.subnet.id,
                        frozenset(balancer.security_groups),
                    ),
                )
                for nic in elb_gaps.interfaces(balancer)
            ),
            listeners=listeners,
        )


def _listeners(balancer: Any) -> Iterator[model.Listener]:
    """Those that forward to a target group; one that redirects has no use without a certificate."""
    for listener in balancer.listeners.values():
        for action in listener.default_actions:
            forward = action.data.get("ForwardConfig", {}).get("TargetGroups") or [{}]
            arn = action.data.get("TargetGroupArn") or forward[0].get("TargetGroupArn")
            if action.type == "forward" and arn:
                yield model.Listener(int(listener.port), arn)


def _target_groups(
    elb: ELBv2Backend, instances: dict[str, model.Instance]
) -> Iterator[model.TargetGroup]:
    for group in elb.target_groups.values():
        port = group.health_check_port
        yield model.TargetGroup(
            arn=group.arn,
            check=model.HealthCheck(
                path=group.health_check_path or "/",
                port=None if port in (None, "traffic-port") else int(port),
                interval_seconds=int(group.health_check_interval_seconds),
                timeout_seconds=int(group.health_check_timeout_seconds),
                healthy_count=int(group.healthy_threshold_count),
                unhealthy_count=int(group.unhealthy_threshold_count),
                codes=group.matcher.get("HttpCode") or "200",
            ),
            deregistration_delay_seconds=elb_gaps.deregistration_delay_seconds(group),
            targets=tuple(_targets(group, instances)),
        )


def _targets(group: Any, instances: dict[str, model.Instance]) -> Iterator[model.Target]:
    """Yield the targets that run; a deregistered one drains for the group's delay."""
    draining = elb_gaps.draining(group, time.monotonic())
    for target in (*group.targets.values(), *draining):
        instance = instances.get(target["Id"])
        if instance and instance.state == "running":
            yield model.Target(
                instance_id=instance.id,
                address=instance.interface.address,
                zone=instance.zone,
                port=int(target["Port"]),
                draining=target in draining,
            )


def _private_records(kind: str) -> Iterator[tuple[str, str]]:
    for zone in route53_backends[DEFAULT_ACCOUNT_ID]["aws"].zones.values():
        if zone.private_zone:
            for record in zone.rrsets:
                if record.type == kind:
                    for value in record.records or ():
                        yield record.name.rstrip("."), value


def _records() -> Iterator[tuple[str, IPv4Address]]:
    return ((name, IPv4Address(address)) for name, address in _private_records("A"))


def _aliases() -> Iterator[tuple[str, str]]:
    return ((name, target.rstrip(".")) for name, target in _private_records("CNAME"))


def _domain(ec2: EC2Backend) -> str:
    """Return the domain name of the DHCP options of a network with options of its own."""
    for vpc in ec2.vpcs.values():
        if vpc.dhcp_options and (name := vpc.dhcp_options._options["domain-name"]):
            return name[0] if isinstance(name, list) else name
    return ""
