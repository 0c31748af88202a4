"""Limits that AWS documents, and that neither the services' models nor moto hold.

Each service has a module with its limits. docs/lab.md lists them, beside those that moto holds.
"""

from tools.lab.aws.calls import Call, RefusalError
from tools.lab.aws.limits import autoscaling, ec2, elbv2, iam, limit, route53, s3, ssm

SERVICES = {
    "ec2": ec2.LIMITS,
    "elbv2": elbv2.LIMITS,
    "autoscaling": autoscaling.LIMITS,
    "iam": iam.LIMITS,
    "ssm": ssm.LIMITS,
    "s3": s3.LIMITS,
    "route53": route53.LIMITS,
}

# What moto refuses by itself: service, limit, AWS's page.
BY_MOTO = (
    (
        "ec2",
        "a security group's name is used once in a VPC",
        limit.EC2_API + "API_CreateSecurityGroup.html",
    ),
    ("ec2", "a resource has at most 50 tags", ec2.GUIDE + "Using_Tags.html"),
    ("ec2", "a VPC is a /16 to a /28", limit.EC2_API + "API_CreateVpc.html"),
    ("ec2", "subnets do not overlap", limit.EC2_API + "API_CreateSubnet.html"),
    ("ec2", "a security group has 60 rules in each direction", ec2.VPC_QUOTAS),
    (
        "ec2",
        "a key pair's public key is in OpenSSH's format",
        limit.EC2_API + "API_ImportKeyPair.html",
    ),
    (
        "elbv2",
        "a target group's name has at most 32 letters, digits and hyphens",
        elbv2.API + "API_CreateTargetGroup.html",
    ),
    (
        "elbv2",
        "a health check's timeout is shorter than its interval",
        elbv2.API + "API_CreateTargetGroup.html",
    ),
    ("elbv2", "an attribute is one that there is", elbv2.API + "API_LoadBalancerAttribute.html"),
    ("elbv2", "a deregistration delay is 0 to 3600 s", elbv2.API + "API_TargetGroupAttribute.html"),
    (
        "elbv2",
        "a target group that a listener sends to is not deleted",
        elbv2.API + "API_DeleteTargetGroup.html",
    ),
    (
        "iam",
        "a policy's actions name a service",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html",
    ),
    (
        "iam",
        "a role's name is used once",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
    ),
    ("iam", "an instance profile has one role", iam.QUOTAS),
    (
        "iam",
        "a role in an instance profile is not deleted",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html",
    ),
    ("ssm", "a parameter's name does not begin with aws or ssm", ssm.API),
    ("ssm", "a parameter is not empty", ssm.API),
    (
        "s3",
        "a bucket with objects is not deleted",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html",
    ),
    ("route53", "a record lies in its zone", route53.API + "ResourceRecordTypes.html"),
    (
        "route53",
        "a record is created once",
        "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html",
    ),
    (
        "route53",
        "a zone with records is not deleted",
        "https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHostedZone.html",
    ),
)


def check(call: Call) -> None:
    """Hold a call against the limits of its service.

    Raises:
        RefusalError: It breaks one.
    """
    for each in SERVICES.get(call.service, ()):
        if call.action in each.actions and each.broken(call):
            raise RefusalError(each.code, each.message)


def table() -> str:
    """Return all limits as a table in Markdown."""
    ours = [
        (service, each.says, each.page, "no")
        for service, limits in SERVICES.items()
        for each in limits
    ]
    rows = sorted([*ours, *((*row, "yes") for row in BY_MOTO)])
    lines = [
        f"| {service} | [{says}]({page}) | {by_moto} |" for service, says, page, by_moto in rows
    ]
    return "\n".join(
        ["| Service | AWS refuses what breaks this | By moto |", "|---|---|---|", *lines]
    )
