"""A network of two zones on moto's API, with a database and a group of web hosts in each."""

from types import SimpleNamespace
from typing import Any

import boto3

from tools.drill.world import World

A, B = "us-west-2a", "us-west-2b"
BUCKET, RAW_FILE = "epa-data", "raw/hourly_44201_2013.zip"
IMAGE = "ami-12c6146b"  # one that moto has
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-west-2",
}


def tags(kind: str, **more: str) -> list[dict[str, Any]]:
    named = {"Environment": "test", **more}
    return [
        {
            "ResourceType": kind,
            "Tags": [{"Key": key, "Value": value} for key, value in named.items()],
        }
    ]


def world_at(endpoint: str) -> World:
    """Make it, in the region whose address the environment has, and return it as drills see it."""
    environ = ENVIRON | {"AWS_ENDPOINT_URL": endpoint}
    fleet = SimpleNamespace(
        environment="test", region=SimpleNamespace(environ=lambda: environ), hosts=lambda: []
    )
    outputs = {"web_groups": {A: "web-a", B: "web-b"}, "target_group_arn": made(), "bucket": BUCKET}
    fleet.terraform = SimpleNamespace(outputs=lambda: outputs)
    return World(fleet)  # type: ignore[arg-type]


def made() -> str:
    """Make it, with a bucket, and return the target group's ARN."""
    ec2, groups, s3 = (boto3.client(name) for name in ("ec2", "autoscaling", "s3"))
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket=BUCKET, Key=RAW_FILE, Body=b"12345678", Metadata={"sha256": "ab"})
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    arn = boto3.client("elbv2").create_target_group(
        Name="web", Protocol="HTTP", Port=8000, VpcId=vpc_id
    )["TargetGroups"][0]["TargetGroupArn"]
    ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"}
    )
    for number, zone in enumerate((A, B)):
        subnet_ids = [
            ec2.create_subnet(
                VpcId=vpc_id,
                CidrBlock=f"10.0.{2 * number + half}.0/24",
                AvailabilityZone=zone,
                TagSpecifications=tags("subnet"),
            )["Subnet"]["SubnetId"]
            for half in (0, 1)
        ]
        ec2.run_instances(
            ImageId=IMAGE,
            **{"MinCount": 1, "MaxCount": 1, "SubnetId": subnet_ids[1]},
            TagSpecifications=tags("instance", Role="database", Name=f"database-{zone[-1]}"),
        )
        propagated = {"ResourceId": f"web-{zone[-1]}", "PropagateAtLaunch": True}
        groups.create_auto_scaling_group(
            AutoScalingGroupName=f"web-{zone[-1]}",
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
            **{"MinSize": 1, "MaxSize": 3, "VPCZoneIdentifier": subnet_ids[0]},
            TargetGroupARNs=[arn],
            Tags=[
                {"Key": key, "Value": value, **propagated}
                for key, value in {"Environment": "test", "Role": "web", "Name": "web"}.items()
            ],
        )
    return arn
