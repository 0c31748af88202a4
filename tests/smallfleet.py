"""A small fleet, made by the region's own interface: two zones, a balancer, a scaling group."""

from dataclasses import dataclass
from typing import Any

REGION = "us-west-2"


@dataclass
class Fleet:
    """Names of what was made. `clients` makes a client of a service."""

    client: Any
    vpc: str
    subnets: dict[str, str]  # zone's letter -> id of its public subnet
    acl: str
    group: str
    template: str
    target_group: str
    balancer: str


def make(client: Any, *, desired: int = 1) -> Fleet:
    """Make it. `client(service)` gives a boto3 client that goes to the region."""
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = {}
    for number, letter in enumerate("ab"):
        answer = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.20.{16 * number}.0/20",
            AvailabilityZone=f"{REGION}{letter}",
        )
        subnets[letter] = answer["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets["a"])
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                **{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80},
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            },
            {
                **{"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000},
                "UserIdGroupPairs": [{"GroupId": group}],
            },
        ],
    )
    ec2.import_key_pair(KeyName="operator", PublicKeyMaterial=KEY.encode())
    target_group = elb.create_target_group(
        **{"Name": "web", "Protocol": "HTTP", "Port": 8000, "VpcId": vpc},
        **{"HealthCheckPath": "/readyz", "HealthCheckIntervalSeconds": 5},
        **{"HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2},
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = elb.create_load_balancer(
        Name="site", Subnets=list(subnets.values()), SecurityGroups=[group]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(
        **{"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80},
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
    )
    role = client("iam")
    role.create_role(RoleName="web", AssumeRolePolicyDocument="{}")
    role.create_instance_profile(InstanceProfileName="web")
    role.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    template = ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData=template_data("t3.micro", group)
    )["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(
        LaunchTemplateId=template, LaunchTemplateData=template_data("t3.small", group)
    )
    client("autoscaling").create_auto_scaling_group(
        **{"AutoScalingGroupName": "web", "MinSize": 0, "MaxSize": 7, "DesiredCapacity": desired},
        VPCZoneIdentifier=",".join(subnets.values()),
        TargetGroupARNs=[target_group],
        LaunchTemplate={"LaunchTemplateId": template, "Version": "2"},
        **{"HealthCheckType": "ELB", "HealthCheckGracePeriod": 60},
        Tags=[{"Key": "Role", "Value": "web", "PropagateAtLaunch": True}],
    )
    return Fleet(client, vpc, subnets, acl, group, template, target_group, balancer)


def template_data(instance_type: str, group: str) -> dict[str, Any]:
    """What a launch template says of its instances."""
    return {
        "ImageId": "ami-12345678",
        "InstanceType": instance_type,
        "KeyName": "operator",
        "SecurityGroupIds": [group],
        "IamInstanceProfile": {"Name": "web"},
        "MetadataOptions": {"HttpTokens": "required"},
    }


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl operator"
