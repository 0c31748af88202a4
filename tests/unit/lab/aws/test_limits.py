"""The lab refuses what AWS documents that it refuses: with AWS's code, and by its model."""

import base64
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import smallfleet
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.lab.aws import limits

UNCHECKED = Config(parameter_validation=False)
CHECKOUT = Path(__file__).parents[4]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
NAMES = (f"limit-{n}" for n in itertools.count())


class Asking:
    """The region's clients, which check nothing themselves, and its small fleet."""

    def __init__(self, served: Any) -> None:
        self._served, self.fleet = served, served.fleet

    def __getattr__(self, service: str) -> Any:
        return boto3.client(
            **{"service_name": service, "region_name": smallfleet.REGION, "config": UNCHECKED},
            **{"aws_access_key_id": "operator", "aws_secret_access_key": "any"},
            **{"endpoint_url": self._served.endpoint, "verify": str(self._served.ca)},
        )

    def rule(self, description: str, **peer: Any) -> None:
        """Allow a port, as from a network or from a group."""
        one = {"IpProtocol": "tcp", "FromPort": 5000, "ToPort": 5000}
        if "group" in peer:
            one["UserIdGroupPairs"] = [{"GroupId": peer["group"], "Description": description}]
        else:
            one["IpRanges"] = [{"CidrIp": "192.0.2.0/24", "Description": description}]
        group = self.group()
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[one])

    def rules(self, many: int) -> None:
        """Allow so many ports to one group."""
        self.ec2.authorize_security_group_ingress(
            GroupId=self.group(),
            IpPermissions=[
                {
                    **{"IpProtocol": "tcp", "FromPort": port, "ToPort": port},
                    "IpRanges": [{"CidrIp": "192.0.2.0/24"}],
                }
                for port in range(5000, 5000 + many)
            ],
        )

    def group(self, **texts: str) -> str:
        """Make a security group."""
        named = {"GroupName": next(NAMES), "Description": "for a test"} | texts
        return str(self.ec2.create_security_group(**named, VpcId=self.fleet.vpc)["GroupId"])

    def template(self, name: str = "", data: bytes = b"") -> None:
        """Make a launch template."""
        self.ec2.create_launch_template(
            LaunchTemplateName=name or next(NAMES),
            LaunchTemplateData={"UserData": base64.b64encode(data).decode()},
        )

    def tag(self, key: str, value: str) -> None:
        """Tag the network."""
        self.ec2.create_tags(Resources=[self.fleet.vpc], Tags=[{"Key": key, "Value": value}])

    def tags(self, many: int) -> None:
        """Put so many tags on a security group."""
        tags = [{"Key": f"tag-{n}", "Value": ""} for n in range(many)]
        self.ec2.create_tags(Resources=[self.group()], Tags=tags)

    def addresses(self, many: int) -> None:
        """Allocate elastic addresses, and give them back."""
        self._made_and_gone(
            many,
            lambda: self.ec2.allocate_address(Domain="vpc")["AllocationId"],
            lambda each: self.ec2.release_address(AllocationId=each),
        )

    def networks(self, many: int) -> None:
        """Make networks beside those that are there, and delete them."""
        self._made_and_gone(
            many - len(self.ec2.describe_vpcs()["Vpcs"]),
            lambda: self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"],
            lambda each: self.ec2.delete_vpc(VpcId=each),
        )

    @staticmethod
    def _made_and_gone(many: int, make: Callable[[], str], drop: Callable[[str], Any]) -> None:
        made: list[str] = []
        try:
            made += (make() for _ in range(many))
        finally:
            for each in made:
                drop(each)

    def entries(self, numbers: range) -> None:
        """Put entries on the network's ACL, and take them off."""
        named = {"NetworkAclId": self.fleet.acl, "Egress": True}
        put: list[int] = []
        try:
            for number in numbers:
                self.ec2.create_network_acl_entry(
                    **named,
                    **{"RuleNumber": number, "Protocol": "-1", "RuleAction": "allow"},
                    CidrBlock="192.0.2.0/24",
                )
                put.append(number)
        finally:
            for number in put:
                self.ec2.delete_network_acl_entry(**named, RuleNumber=number)

    def gateway(self) -> None:
        """Attach an internet gateway to the network, which has one."""
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.fleet.vpc)

    def interface(self, groups: int) -> None:
        """Make an interface in so many groups."""
        made = [self.group() for _ in range(groups)]
        self.ec2.create_network_interface(SubnetId=self.fleet.subnets["a"], Groups=made)

    def volume(self, size: int) -> None:
        """Make a volume of so many GiB."""
        self.ec2.create_volume(AvailabilityZone="us-west-2a", Size=size, VolumeType="gp3")

    def balancer(self, name: str, subnets: int = 2) -> None:
        """Make a load balancer in so many subnets."""
        ids = list(self.fleet.subnets.values())[:subnets]
        made = self.elbv2.create_load_balancer(Name=name, Subnets=ids)
        self.elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"])

    def protected(self) -> None:
        """Delete a load balancer that is protected."""
        ids = list(self.fleet.subnets.values())
        made = self.elbv2.create_load_balancer(Name=next(NAMES), Subnets=ids)
        arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        self.attribute("deletion_protection.enabled", "true", arn)
        try:
            self.elbv2.delete_load_balancer(LoadBalancerArn=arn)
        except ClientError:
            self.attribute("deletion_protection.enabled", "false", arn)
            self.elbv2.delete_load_balancer(LoadBalancerArn=arn)
            raise

    def attribute(self, key: str, value: str, arn: str = "") -> None:
        """Set an attribute of the small fleet's load balancer, or of another."""
        self.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=arn or self.fleet.balancer, Attributes=[{"Key": key, "Value": value}]
        )

    def target_group(self, name: str = "", timeout: int = 2) -> None:
        """Make a target group."""
        made = self.elbv2.create_target_group(
            **{"Name": name or next(NAMES), "Protocol": "HTTP", "Port": 80},
            **{"VpcId": self.fleet.vpc, "HealthCheckIntervalSeconds": 5},
            HealthCheckTimeoutSeconds=timeout,
        )
        self.elbv2.delete_target_group(TargetGroupArn=made["TargetGroups"][0]["TargetGroupArn"])

    def scaling(self, name: str = "", **sizes: Any) -> None:
        """Make an auto-scaling group without members."""
        name = name or next(NAMES)
        made = {"MinSize": 0, "MaxSize": 1, "DesiredCapacity": 0} | sizes
        self.autoscaling.create_auto_scaling_group(
            **{"AutoScalingGroupName": name, "LaunchTemplate": {"LaunchTemplateName": "web"}},
            VPCZoneIdentifier=",".join(self.fleet.subnets.values()),
            **made,
        )
        self.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)

    def delete_with_members(self) -> None:
        """Delete a group that has a member, without force."""
        self.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="web")

    def hook(self, seconds: int) -> None:
        """Put a lifecycle hook on the group."""
        self.autoscaling.put_lifecycle_hook(
            **{"LifecycleHookName": "hook", "AutoScalingGroupName": "web"},
            LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
            HeartbeatTimeout=seconds,
        )

    def role(self, name: str = "", trust: str = TRUST) -> str:
        """Make a role."""
        name = name or next(NAMES)
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        return name

    def profile(self, roles: int) -> str:
        """Make an instance profile with so many roles, and return the last one."""
        name = next(NAMES)
        self.iam.create_instance_profile(InstanceProfileName=name)
        for _ in range(roles):
            role = self.role()
            self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
        return role

    def inline(self, *sizes: int) -> None:
        """Give a role inline policies of so many characters."""
        role = self.role()
        for number, size in enumerate(sizes):
            self.iam.put_role_policy(
                RoleName=role, PolicyName=f"policy-{number}", PolicyDocument=policy(size)
            )

    def parameter(self, name: str = "", value: str = "any", tier: str = "Standard") -> None:
        """Put a parameter."""
        name = name or f"/{next(NAMES)}"
        self.ssm.put_parameter(Name=name, Value=value, Type="String", Tier=tier)

    def bucket(self, name: str, **object_: Any) -> None:
        """Make a bucket, with an object where one is given."""
        place = {"LocationConstraint": smallfleet.REGION}
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        if object_:
            self.s3.put_object(Bucket=name, Body=b"", **object_)
        self.s3.delete_bucket(Bucket=name)

    def record(
        self, name: str, value: str = "192.0.2.1", *, twice: bool = False, left: bool = False
    ) -> None:
        """Make a record in a zone of its own; with `left`, delete the zone before the record."""
        zone = self.route53.create_hosted_zone(
            **{"Name": "limits.internal", "CallerReference": next(NAMES)},
            VPC={"VPCRegion": smallfleet.REGION, "VPCId": self.fleet.vpc},
        )["HostedZone"]["Id"]
        record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}

        def change(action: str) -> None:
            self.route53.change_resource_record_sets(
                HostedZoneId=zone,
                ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
            )

        try:
            for _ in range(2 if twice else 1):
                change("CREATE")
            if left:
                self.route53.delete_hosted_zone(Id=zone)
        finally:
            with suppress(ClientError):  # it was not made
                change("DELETE")
            self.route53.delete_hosted_zone(Id=zone)


def policy(size: int) -> str:
    """A policy of that many characters, blanks aside."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Id": "", "Statement": [statement]})
    return text.replace('"Id": ""', f'"Id": "{"x" * (size - len("".join(text.split())))}"')


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


@pytest.fixture
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
