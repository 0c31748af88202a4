"""What the region's interface was told is in the snapshot; it is served by TLS alone."""

import json
import socket
import ssl
import urllib.error
import urllib.request
from ipaddress import IPv4Address, IPv4Network

import pytest

from tools.lab import model


def test_a_certificate_of_the_labs_own(served) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(served.endpoint)
    assert served.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_silent_client_holds_nobody_up(served) -> None:
    host, port = served.endpoint.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port))):
        assert served.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_head_and_body_of_an_answer_come_in_one_go(served) -> None:
    """Else AWS's SDK for Go loses some bodies, and does again what was done."""
    host, port = served.endpoint.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=str(served.ca))
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    head = (
        f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=key/20260101/us-west-2/sts/aws4_request, x\r\n"
    )
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(f"{head}\r\n{body}".encode())
        assert b"</GetCallerIdentityResponse>" in tls.recv(1 << 14)


def test_subnets(served) -> None:
    subnets = served.moto.read().subnets
    fleet = served.fleet
    assert subnets.keys() == set(fleet.subnets.values())
    a, b = (subnets[fleet.subnets[letter]] for letter in "ab")
    assert (a.zone, a.network, a.public) == ("us-west-2a", IPv4Network("10.20.0.0/20"), True)
    assert (b.zone, b.network, b.public) == ("us-west-2b", IPv4Network("10.20.16.0/20"), False)
    anywhere = IPv4Network("0.0.0.0/0")
    assert a.acl == (
        model.AclEntry(100, False, "all", None, anywhere, True),
        model.AclEntry(32767, False, "all", None, anywhere, False),
        model.AclEntry(100, True, "all", None, anywhere, True),
        model.AclEntry(32767, True, "all", None, anywhere, False),
    )


def test_a_new_acl_denies_and_entries_are_read(served) -> None:
    ec2, subnet = served.client("ec2"), served.fleet.subnets["b"]
    acls = ec2.describe_network_acls(
        Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
    )
    (association,) = (
        association["NetworkAclAssociationId"]
        for acl in acls["NetworkAcls"]
        for association in acl["Associations"]
        if association["SubnetId"] == subnet
    )
    swapped = ec2.replace_network_acl_association(
        AssociationId=association, NetworkAclId=served.fleet.acl
    )["NewAssociationId"]
    assert served.moto.read().subnets[subnet].acl == ()
    ec2.create_network_acl_entry(
        **{"NetworkAclId": served.fleet.acl, "RuleNumber": 130, "Protocol": "6", "Egress": True},
        **{"RuleAction": "allow", "CidrBlock": "10.20.0.0/16"},
        PortRange={"From": 1024, "To": 65535},
    )
    (entry,) = served.moto.read().subnets[subnet].acl
    network = IPv4Network("10.20.0.0/16")
    assert entry == model.AclEntry(130, True, "tcp", (1024, 65535), network, True)
    ec2.replace_network_acl_association(
        AssociationId=swapped, NetworkAclId=acls["NetworkAcls"][0]["NetworkAclId"]
    )
    assert len(served.moto.read().subnets[subnet].acl) == 4


def test_security_groups(served) -> None:
    group = served.moto.read().groups[served.fleet.group]
    assert group.ingress == {
        model.Rule("tcp", (80, 80), IPv4Network("0.0.0.0/0")),
        model.Rule("tcp", (8000, 8000), served.fleet.group),
    }
    assert group.egress == {model.Rule("all", None, IPv4Network("0.0.0.0/0"))}


def test_balancer_and_its_targets(served) -> None:
    region, fleet = served.moto.read(), served.fleet
    (balancer,) = region.balancers
    assert balancer.arn == fleet.balancer
    assert balancer.cross_zone
    assert balancer.listeners == (model.Listener(80, fleet.target_group),)
    assert [node.zone for node in balancer.nodes] == ["us-west-2a", "us-west-2b"]
    for node in balancer.nodes:
        assert node.interface.address in region.subnets[node.interface.subnet_id].network
        assert node.interface.groups == {fleet.group}
    addresses = [node.interface.address for node in balancer.nodes]
    addresses += [instance.interface.address for instance in region.instances.values()]
    assert len(set(addresses)) == len(addresses)
    group = region.target_groups[fleet.target_group]
    assert group.check == model.HealthCheck("/readyz", None, 5, 2, 2, 2, "200")
    members = [i for i in region.instances.values() if i.role == "web"]
    assert [(t.instance_id, t.address, t.zone, t.port, t.draining) for t in group.targets] == [
        (i.id, i.interface.address, i.zone, 8000, False) for i in members
    ]


def test_an_instance_through_its_life(served) -> None:
    ec2 = served.client("ec2")
    image_id = served.moto.register_image(
        model.Image("", "airaware-base-0", "0123456789ab", "", "", (("Project", "airaware"),), 0)
    )
    (found,) = ec2.describe_images(
        Owners=["self"], Filters=[{"Name": "name", "Values": ["airaware-base-*"]}]
    )["Images"]
    assert found["ImageId"] == image_id
    instance_id = ec2.run_instances(
        **{"ImageId": image_id, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.small"},
        **{"SubnetId": served.fleet.subnets["a"], "SecurityGroupIds": [served.fleet.group]},
        **{"KeyName": "operator", "UserData": "#cloud-config\n"},
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "database"}]}
        ],
    )["Instances"][0]["InstanceId"]
    volume_id = ec2.create_volume(
        **{"AvailabilityZone": "us-west-2a", "Size": 10},
        TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": "Mount", "Value": "/var/lib/postgresql"}]}
        ],
    )["VolumeId"]
    ec2.attach_volume(Device="/dev/sdf", InstanceId=instance_id, VolumeId=volume_id)

    def instance() -> model.Instance:
        return served.moto.read().instances[instance_id]

    described = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    first = instance()
    assert first == model.Instance(
        id=instance_id,
        state="running",
        launch=0,
        zone="us-west-2a",
        interface=model.Interface(
            IPv4Address(described["PrivateIpAddress"]),
            served.fleet.subnets["a"],
            frozenset({served.fleet.group}),
        ),
        layer="0123456789ab",
        type="t3.small",
        user_data=b"#cloud-config\n",
        public_key="ssh-ed25519"
        " AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl operator",
        hostname=described["PrivateDnsName"],
        tags=(("Role", "database"),),
        volumes=(model.Volume(volume_id, "/var/lib/postgresql", 10),),
    )
    ec2.stop_instances(InstanceIds=[instance_id])
    assert (instance().state, instance().launch) == ("stopped", 0)
    ec2.start_instances(InstanceIds=[instance_id])
    assert (instance().state, instance().launch) == ("running", 1)
    ec2.terminate_instances(InstanceIds=[instance_id])
    assert instance_id not in served.moto.read().instances


def test_a_deregistered_target_drains(served) -> None:
    region, fleet = served.moto.read(), served.fleet
    elb = served.client("elbv2")
    (instance_id,) = (i.id for i in region.instances.values() if i.role == "web")
    target = {"TargetGroupArn": fleet.target_group, "Targets": [{"Id": instance_id}]}

    def targets() -> list[tuple[str, bool]]:
        group = served.moto.read().target_groups[fleet.target_group]
        return [(each.instance_id, each.draining) for each in group.targets]

    elb.deregister_targets(**target)
    assert targets() == [(instance_id, True)]
    _set_delay(elb, fleet.target_group, 0)
    assert targets() == []
    elb.register_targets(**target)
    assert targets() == [(instance_id, False)]
    _set_delay(elb, fleet.target_group, 300)


def _set_delay(elb, arn: str, seconds: int) -> None:
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[attribute])


def test_names_of_private_zones_alone(served) -> None:
    route53, vpc = served.client("route53"), served.fleet.vpc
    for name, network in (
        ("lab.airaware.internal", {"VPC": {"VPCRegion": "us-west-2", "VPCId": vpc}}),
        ("airaware.example", {}),
    ):
        zone = route53.create_hosted_zone(Name=name, CallerReference=name, **network)
        records = [
            {"Name": f"{word}.{name}", "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": to}]}
            for word, kind, to in (
                ("puppet", "A", "10.20.0.99"),
                ("site", "CNAME", "site-1.us-west-2.elb.amazonaws.com"),
            )
        ]
        route53.change_resource_record_sets(
            HostedZoneId=zone["HostedZone"]["Id"],
            ChangeBatch={
                "Changes": [{"Action": "CREATE", "ResourceRecordSet": each} for each in records]
            },
        )
    region = served.moto.read()
    assert region.records == (("puppet.lab.airaware.internal", IPv4Address("10.20.0.99")),)
    balancer = "site-1.us-west-2.elb.amazonaws.com"
    assert region.aliases == (("site.lab.airaware.internal", balancer),)


def test_the_networks_domain(served) -> None:
    ec2 = served.client("ec2")
    assert served.moto.read().domain == ""
    options = ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["lab.airaware.internal"]}]
    )["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=served.fleet.vpc)
    assert served.moto.read().domain == "lab.airaware.internal"


def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(served) -> None:
    """As AWS's client for Python does before it sends a file: it waits for the server's word."""
    host, port = served.endpoint.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=str(served.ca))
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        connection.sendall(
            b"PUT /no-such-bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert connection.recv(100).startswith(b"HTTP/1.1 404")


def test_who_comes_by_the_networks_endpoint_reads_what_a_policy_says(served) -> None:
    """apt signs no request."""
    s3, context = served.client("s3"), ssl.create_default_context(cafile=str(served.ca))
    s3.create_bucket(
        Bucket="half-open", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    statement = {
        **{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"},
        "Resource": ["arn:aws:s3:::half-open/packages/*"],
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="half-open", Policy=policy)
    for key in ("packages/Packages", "raw/file"):
        s3.put_object(Bucket="half-open", Key=key, Body=b"content")
    url = f"{served.endpoint}/half-open"
    with urllib.request.urlopen(f"{url}/packages/Packages", context=context) as answer:
        assert answer.read() == b"content"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{url}/raw/file", context=context)
