"""Which resources a request names, as ARNs, by the kinds that its action takes in IAM's data.

A resource that the request would make has the name `new` where AWS would choose one.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ec2.models import EC2Backend, ec2_backends
from moto.iam.models import iam_backends

from tools.lab.aws.calls import Call, RefusalError

NEW = "new"
# How EC2's ids begin -> the kind of resource.
EC2_KINDS = {
    **{"ami": "image", "acl": "network-acl", "dopt": "dhcp-options", "eipalloc": "elastic-ip"},
    **{"eni": "network-interface", "i": "instance", "igw": "internet-gateway"},
    **{"key": "key-pair", "lt": "launch-template", "nat": "natgateway", "rtb": "route-table"},
    **{"sg": "security-group", "sgr": "security-group-rule", "snap": "snapshot"},
    **{"subnet": "subnet", "vol": "volume", "vpc": "vpc", "vpce": "vpc-endpoint"},
}
EC2_ID = re.compile("(" + "|".join(EC2_KINDS) + ")-[0-9a-f]{8,}")
OF_NO_ACCOUNT = ("image", "snapshot")


def named(call: Call, kinds: dict[str, bool]) -> list[tuple[str, str]]:
    """Return the kind and ARN of each resource that a call names, of these kinds.

    Args:
        call: What the request asks for; not S3's.
        kinds: The kinds of resources that the action takes -> whether it needs one.
    """
    return list(dict.fromkeys(SERVICES.get(call.service, _none)(call, kinds)))


def of_bucket(name: str, key: str = "") -> str:
    """Return the ARN of a bucket, or of an object in it."""
    return f"arn:aws:s3:::{name}" + (f"/{key}" if key else "")


def ec2_arn(kind: str, name: str, region: str) -> str:
    """Return the ARN of one of EC2's resources."""
    owner = "" if kind in OF_NO_ACCOUNT else ACCOUNT
    return f"arn:aws:ec2:{region}:{owner}:{kind}/{name}"


def texts(value: Any) -> Iterator[str]:
    """Yield all strings within a request's parameters; not those that only search."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in ("Filters", "UserData"):
                yield from texts(each)


def _none(_call: Call, _kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    yield from ()


def _ec2(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    found = [(EC2_KINDS[prefix], name) for prefix, name in _ec2_ids(call)]
    if name := call.parameters.get("KeyName"):
        found.append(("key-pair", name))
    if call.parameters.get("DhcpOptionsId") == "default":
        found.append(("dhcp-options", "default"))
    there = {kind for kind, _ in found}
    found += [(kind, NEW) for kind, needed in kinds.items() if needed and kind not in there]
    for kind, name in found:
        if kind in kinds:
            yield kind, ec2_arn(kind, name, call.region)


def _ec2_ids(call: Call) -> Iterator[tuple[str, str]]:
    """Yield the prefix and whole of each id, those that an association stands for included."""
    ec2 = ec2_backends[ACCOUNT][call.region]
    for text in texts(call.parameters):
        if matched := EC2_ID.fullmatch(text):
            yield matched[1], text
        elif text.startswith(("rtbassoc-", "aclassoc-", "eipassoc-")):
            yield from _associated(ec2, text)
    if template := template_id(call.parameters.get("LaunchTemplate") or call.parameters, ec2):
        yield "lt", template


def _associated(ec2: EC2Backend, association: str) -> list[tuple[str, str]]:
    """Return what an association's id stands for.

    Raises:
        RefusalError: There is none of that id.
    """
    for table in ec2.route_tables.values():
        if association in table._associations:
            return [("rtb", table.id), ("subnet", table._associations[association])]
    for acl in ec2.network_acls.values():
        for each in acl.associations:
            if each.id == association:
                return [("subnet", str(each.subnet_id))]
    for address in ec2.addresses:
        if address.association_id == association:
            return [("eipalloc", str(address.allocation_id))]
    raise RefusalError(
        "InvalidAssociationID.NotFound", f"The association ID '{association}' does not exist"
    )


def template_id(named: dict[str, Any], ec2: EC2Backend) -> str:
    """Return the id of the launch template that is named, by it or by its name; empty: none is."""
    by_name = ec2.launch_template_name_to_ids.get(named.get("LaunchTemplateName", ""), "")
    return str(named.get("LaunchTemplateId") or by_name)


def _elb(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    prefix = f"arn:aws:elasticloadbalancing:{call.region}:{ACCOUNT}"
    if call.action == "CreateLoadBalancer":
        yield "loadbalancer", f"{prefix}:loadbalancer/app/{call.parameters['Name']}/{NEW}"
    if call.action == "CreateTargetGroup":
        yield "targetgroup", f"{prefix}:targetgroup/{call.parameters['Name']}/{NEW}"
    for given in call.parameters.values() if kinds else ():
        for text in given if isinstance(given, list) else [given]:
            if str(text).startswith("arn:aws:elasticloadbalancing:"):
                yield str(text).split(":")[5].split("/")[0], text


def _autoscaling(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    groups = autoscaling_backends[ACCOUNT][call.region].autoscaling_groups
    given = call.parameters
    names = [given.get("AutoScalingGroupName")]
    names += [tag.get("ResourceId") for tag in given.get("Tags") or ()]
    if instance := given.get("InstanceId"):
        names += [
            name
            for name, group in groups.items()
            if any(state.instance.id == instance for state in group.instance_states)
        ]
    for name in filter(None, names) if kinds else ():
        known = groups.get(name)
        arn = f"autoScalingGroup:{known._id if known else NEW}:autoScalingGroupName/{name}"
        yield "autoscalinggroup", f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:{arn}"


def _iam(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    given, path = call.parameters, call.parameters.get("Path") or "/"
    prefix = f"arn:aws:iam::{ACCOUNT}"
    if "role" in kinds and "RoleName" in given:
        yield "role", role(given["RoleName"], path)
    if "role" in kinds and "AWSServiceName" in given:
        yield "role", f"{prefix}:role/aws-service-role/{given['AWSServiceName']}/{NEW}"
    if "instance-profile" in kinds and (name := given.get("InstanceProfileName")):
        profiles = iam_backends[ACCOUNT]["aws"].instance_profiles.values()
        known = [profile.path for profile in profiles if profile.name == name]
        yield "instance-profile", f"{prefix}:instance-profile{(known or [path])[0]}{name}"
    if "policy" in kinds:
        yield "policy", given.get("PolicyArn") or f"{prefix}:policy{path}{given.get('PolicyName')}"
    for kind, parameter in (("user", "UserName"), ("group", "GroupName")):
        if kind in kinds and parameter in given:
            yield kind, f"{prefix}:{kind}{path}{given[parameter]}"


def role(name: str, path: str = "/") -> str:
    """Return a role's ARN; `path`: of one that is not there yet."""
    known = [each.arn for each in iam_backends[ACCOUNT]["aws"].roles.values() if each.name == name]
    return known[0] if known else f"arn:aws:iam::{ACCOUNT}:role{path}{name}"


def _ssm(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    given = call.parameters
    if "parameter" in kinds:
        names = [given.get("Name"), given.get("Path"), given.get("ResourceId")]
        for name in filter(None, [*names, *given.get("Names", [])]):
            short = name.split(":")[0].strip("/")
            yield "parameter", f"arn:aws:ssm:{call.region}:{ACCOUNT}:parameter/{short}"
    if "instance" in kinds:
        for name in filter(None, [given.get("Target"), *given.get("InstanceIds", [])]):
            yield "instance", ec2_arn("instance", name, call.region)
    if "document" in kinds and (name := given.get("DocumentName")):
        owner = "" if name.startswith("AWS-") else ACCOUNT
        yield "document", f"arn:aws:ssm:{call.region}:{owner}:document/{name}"


def _route53(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    for parameter in ("HostedZoneId", "Id", "ResourceId"):
        if name := call.parameters.get(parameter):
            kind = "change" if "change" in kinds else "hostedzone"
            if kind in kinds:
                yield kind, f"arn:aws:route53:::{kind}/{name.split('/')[-1]}"


def _cloudwatch(call: Call, kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    given = call.parameters
    names = [given["AlarmName"]] if "AlarmName" in given else given.get("AlarmNames") or ["*"]
    for name in names if "alarm" in kinds else ():
        yield "alarm", f"arn:aws:cloudwatch:{call.region}:{ACCOUNT}:alarm:{name}"


def _sts(call: Call, _kinds: dict[str, bool]) -> Iterator[tuple[str, str]]:
    if arn := call.parameters.get("RoleArn"):
        yield "role", arn


SERVICES: dict[str, Callable[[Call, dict[str, bool]], Iterator[tuple[str, str]]]] = {
    **{"ec2": _ec2, "elbv2": _elb, "autoscaling": _autoscaling, "iam": _iam, "ssm": _ssm},
    **{"route53": _route53, "cloudwatch": _cloudwatch, "sts": _sts},
}
