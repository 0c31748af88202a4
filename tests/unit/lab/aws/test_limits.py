"""The lab refuses what AWS documents that it refuses: with AWS's code, and by its model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import smallfleet
from asking import NAMES, TRUST, Asking, policy
from botocore.exceptions import ClientError

from tools.lab.aws import limits

CHECKOUT = Path(__file__).parents[4]

Ask = Callable[[Asking], Any]
# Each limit of ours: just beyond it, and where that is quick, just within.
BEYOND: dict[str, list[Ask]] = {
    "a rule's description": [lambda a: a.rule("the site's port"), lambda a: a.rule("x" * 256)],
    "the description of a rule that names a group": [lambda a: a.rule("R&D", group=a.group())],
    "a group's name has at most 255": [
        lambda a: a.group(GroupName="x" * 256),
        lambda a: a.group(GroupName="sg-web"),
    ],
    "so has a group's description": [lambda a: a.group(Description="the site's")],
    "user data": [lambda a: a.template(data=b"x" * 16_385)],
    "a launch template's name": [lambda a: a.template("ab"), lambda a: a.template("web hosts")],
    "an image's name": [lambda a: a.ec2.create_image(InstanceId="i-0", Name="web?")],
    "a key pair's name": [
        lambda a: a.ec2.import_key_pair(
            KeyName="x" * 256, PublicKeyMaterial=smallfleet.KEY.encode()
        )
    ],
    "a tag's key": [lambda a: a.tag("aws:x", ""), lambda a: a.tag("x" * 129, "")],
    "a tag's value": [lambda a: a.tag("x", "x" * 257)],
    "elastic IP": [lambda a: a.addresses(6)],
    "VPCs": [lambda a: a.networks(6)],
    "one internet gateway": [lambda a: a.gateway()],
    "a subnet is": [lambda a: a.ec2.create_subnet(VpcId=a.fleet.vpc, CidrBlock="10.20.64.0/29")],
    "entries in each direction": [lambda a: a.entries(range(1000, 1021))],
    "entries are numbered": [lambda a: a.entries(range(32_767, 32_768))],
    "security groups": [lambda a: a.interface(6)],
    "gp3": [lambda a: a.volume(65_537)],
    "starts from an image": [
        lambda a: a.ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
    ],
    "DHCP": [
        lambda a: a.ec2.create_dhcp_options(
            DhcpConfigurations=[{"Key": "name-of-domain", "Values": ["x"]}]
        )
    ],
    "a balancer's name": [
        lambda a: a.balancer("x" * 33),
        lambda a: a.balancer("internal-web"),
        lambda a: a.balancer("-web"),
        lambda a: a.balancer("web.site"),
    ],
    "subnets in two zones": [lambda a: a.balancer("one", subnets=1)],
    "idle timeout": [lambda a: a.attribute("idle_timeout.timeout_seconds", "4001")],
    "a protected balancer": [lambda a: a.protected()],
    "no colon": [lambda a: a.scaling("web:a")],
    "wanted size": [
        lambda a: a.scaling(DesiredCapacity=2),
        lambda a: a.scaling(MinSize=2, DesiredCapacity=2),
        lambda a: a.autoscaling.set_desired_capacity(
            AutoScalingGroupName="web", DesiredCapacity=10_000
        ),
    ],
    "group's health": [lambda a: a.scaling(HealthCheckType="TCP")],
    "only by force": [lambda a: a.delete_with_members()],
    "lifecycle hook": [lambda a: a.hook(29)],
    "trust policy": [lambda a: a.role(trust=policy(2_049))],
    "inline policies": [lambda a: a.inline(10_241), lambda a: a.inline(5_000, 5_300)],
    "a managed policy": [
        lambda a: a.iam.create_policy(PolicyName=next(NAMES), PolicyDocument=policy(6_145))
    ],
    "at most 4 KB": [
        lambda a: a.parameter(value="x" * 4_097),
        lambda a: a.parameter(value="x" * 8_193, tier="Advanced"),
    ],
    "letters, digits and ._-/": [lambda a: a.parameter("/two words")],
    "15 levels": [lambda a: a.parameter("/x" * 16)],
    "a bucket's name": [
        lambda a: a.bucket("Upper"),
        lambda a: a.bucket("192.0.2.7"),
        lambda a: a.bucket("xn--bucket"),
    ],
    "a domain name": [lambda a: a.record(f"{'x' * 64}.limits.internal")],
    "an A record": [lambda a: a.record("host.limits.internal", "192.0.2.256")],
}
WITHIN: list[Ask] = [
    lambda a: a.rule("x" * 255),
    lambda a: a.rule("R&D"),
    lambda a: a.template(data=b"x" * 16_384),
    lambda a: a.tag("x" * 128, "x" * 256),
    lambda a: a.addresses(5),
    lambda a: a.entries(range(1000, 1020)),
    lambda a: a.interface(5),
    lambda a: a.balancer("x" * 32),
    lambda a: a.attribute("idle_timeout.timeout_seconds", "4000"),
    lambda a: a.scaling(DesiredCapacity=1),
    lambda a: a.hook(30),
    lambda a: a.inline(5_000, 5_240),
    lambda a: a.parameter(value="x" * 4_096),
    lambda a: a.parameter("/x" * 15),
    lambda a: a.bucket("a-bucket.of-ours"),
    lambda a: a.record(f"{'x' * 63}.limits.internal"),
]
BY_MOTO: dict[str, tuple[str, Ask]] = {
    "name is used once in a VPC": (
        "InvalidGroup.Duplicate",
        lambda a: [a.group(GroupName="twice") for _ in range(2)],
    ),
    "50 tags": ("TagLimitExceeded", lambda a: a.tags(51)),
    "a VPC is": ("InvalidVpc.Range", lambda a: a.ec2.create_vpc(CidrBlock="10.0.0.0/8")),
    "do not overlap": (
        "InvalidSubnet.Conflict",
        lambda a: a.ec2.create_subnet(VpcId=a.fleet.vpc, CidrBlock="10.20.0.0/24"),
    ),
    "60 rules": ("RulesPerSecurityGroupLimitExceeded", lambda a: a.rules(61)),
    "OpenSSH": (
        "InvalidKeyPair.Format",
        lambda a: a.ec2.import_key_pair(KeyName="bad", PublicKeyMaterial=b"hello"),
    ),
    "a target group's name": ("ValidationError", lambda a: a.target_group("x" * 33)),
    "timeout is shorter": ("ValidationError", lambda a: a.target_group(timeout=5)),
    "one that there is": (
        "InvalidConfigurationRequest",
        lambda a: a.attribute("idle_timeout", "5"),
    ),
    "deregistration delay": (
        "ValidationError",
        lambda a: a.elbv2.modify_target_group_attributes(
            TargetGroupArn=a.fleet.target_group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3601"}],
        ),
    ),
    "that a listener sends to": (
        "ResourceInUse",
        lambda a: a.elbv2.delete_target_group(TargetGroupArn=a.fleet.target_group),
    ),
    "actions name a service": (
        "MalformedPolicyDocument",
        lambda a: a.iam.put_role_policy(
            RoleName=a.role(),
            PolicyName="policy",
            PolicyDocument=policy(200).replace("s3:GetObject", "GetObject"),
        ),
    ),
    "a role's name": ("EntityAlreadyExists", lambda a: [a.role("twice") for _ in range(2)]),
    "has one role": ("LimitExceeded", lambda a: a.profile(2)),
    "a role in an instance profile": (
        "DeleteConflict",
        lambda a: a.iam.delete_role(RoleName=a.profile(1)),
    ),
    "aws or ssm": ("AccessDeniedException", lambda a: a.parameter("/aws/x")),
    "is not empty": ("ValidationException", lambda a: a.parameter(value="")),
    "a bucket with objects": ("BucketNotEmpty", lambda a: a.bucket("full-bucket", Key="x")),
    "lies in its zone": ("InvalidChangeBatch", lambda a: a.record("host.example")),
    "created once": ("InvalidChangeBatch", lambda a: a.record("h.limits.internal", twice=True)),
    "a zone with records": (
        "HostedZoneNotEmpty",
        lambda a: a.record("h.limits.internal", left=True),
    ),
}
OURS = [each for listed in limits.SERVICES.values() for each in listed]
CASES = [
    (each, asked)
    for each in OURS
    for fragment, asks in BEYOND.items()
    if fragment in each.says
    for asked in asks
]


def code(ask: Callable[[], Any]) -> str:
    """The code that a request is refused with; empty where it is not."""
    try:
        ask()
    except ClientError as refusal:
        return str(refusal.response["Error"]["Code"])
    return ""


@pytest.fixture(scope="module")
def asking(served: Any) -> Asking:
    """The region, as its clients reach it."""
    return Asking(served)


@pytest.mark.parametrize(("limit", "ask"), CASES, ids=[each.says for each, _ in CASES])
def test_what_breaks_a_limit_is_refused_as_by_aws(asking, limit, ask: Ask) -> None:
    assert code(lambda: ask(asking)) == limit.code


@pytest.mark.parametrize("ask", WITHIN)
def test_what_keeps_to_a_limit_is_accepted(asking, ask: Ask) -> None:
    assert code(lambda: ask(asking)) == ""


@pytest.mark.parametrize("fragment", BY_MOTO)
def test_moto_refuses_the_rest_by_itself(asking, fragment: str) -> None:
    expected, ask = BY_MOTO[fragment]
    assert code(lambda: ask(asking)) == expected


def test_each_limit_has_a_case() -> None:
    said = [each.says for each in OURS]
    assert all(sum(fragment in says for fragment in BEYOND) == 1 for says in said)
    assert all(sum(fragment in row[1] for fragment in BY_MOTO) == 1 for row in limits.BY_MOTO)


def test_the_docs_list_the_limits() -> None:
    assert limits.table() in (CHECKOUT / "docs" / "lab.md").read_text()


@pytest.mark.parametrize(
    ("service", "action", "parameters", "refusal", "rule"),
    [
        (
            *("iam", "create_role", {"RoleName": "two words", "AssumeRolePolicyDocument": TRUST}),
            *("ValidationError", "regular expression pattern"),
        ),
        (
            *("iam", "create_role", {"RoleName": "x" * 65, "AssumeRolePolicyDocument": TRUST}),
            *("ValidationError", "length less than or equal to 64"),
        ),
        ("iam", "get_role", {}, "ValidationError", "RoleName"),
        (
            *("ec2", "create_volume", {"AvailabilityZone": "us-west-2a", "VolumeType": "gp9"}),
            *("InvalidParameterValue", "enum value set"),
        ),
        (
            *("ssm", "put_parameter", {"Name": "/x", "Value": "x", "Type": "Text"}),
            *("ValidationException", "enum value set"),
        ),
        (
            "elbv2",
            "create_target_group",
            {"Name": "t", "HealthCheckIntervalSeconds": 301},
            *("ValidationError", "301"),
        ),
        (
            *("autoscaling", "describe_auto_scaling_groups", {"MaxRecords": "many"}),
            *("MalformedInput", "many"),
        ),
        (
            *("route53", "create_hosted_zone", {"Name": "x", "CallerReference": "x" * 129}),
            *("InvalidInput", "length less than or equal to 128"),
        ),
        (
            *("s3", "put_object", {"Bucket": "none", "Key": "a", "StorageClass": "COLD"}),
            *("InvalidArgument", "enum value set"),
        ),
        (
            *("s3", "list_objects_v2", {"Bucket": "none", "MaxKeys": "many"}),
            *("InvalidArgument", "many"),
        ),
        (
            "s3",
            "put_bucket_versioning",
            {"Bucket": "none", "VersioningConfiguration": {"Status": "On"}},
            *("MalformedXML", "enum value set"),
        ),
        ("s3", "delete_objects", {"Bucket": "none", "Delete": {}}, "MalformedXML", "Objects"),
    ],
)
def test_a_request_that_its_model_does_not_allow_is_refused(
    asking, service: str, action: str, parameters: dict[str, Any], refusal: str, rule: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(getattr(asking, service), action)(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == refusal
    assert rule in error["Message"]
