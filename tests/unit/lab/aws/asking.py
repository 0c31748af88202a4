"""Requests to the lab's API of clients that check nothing themselves, for test_limits.py."""

import base64
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
import smallfleet
from botocore.config import Config
from botocore.exceptions import ClientError

UNCHECKED = Config(parameter_validation=False)
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
        client = boto3.client(
            **{"service_name": service, "region_name": smallfleet.REGION, "config": UNCHECKED},
            **{"aws_access_key_id": "operator", "aws_secret_access_key": "any"},
            **{"endpoint_url": self._served.endpoint, "verify": str(self._served.ca)},
        )
        setattr(self, service, client)  # making one takes longer than a request
        return client

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
