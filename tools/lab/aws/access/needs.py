"""What a request needs to be allowed: actions, each on a resource, with its context keys.

IAM's data, which the evaluator's library brings, has each action's kinds of resources and context
keys. What it does not have stands here: the actions of S3, and those that a request needs besides
its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.core.utils import get_service_model
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from tools.lab.aws.access import objects, resources
from tools.lab.aws.access.library import data
from tools.lab.aws.calls import Call, unknown

# Names of services in botocore -> in policies, where they differ.
PREFIXES = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
# They name a metric, which is no resource of a policy.
OF_NO_RESOURCE = ("cloudwatch:PutMetricData", "cloudwatch:GetMetricData")
# Services -> the action that tagging what is made needs besides; IAM's tags its own kinds.
TAGGING = {
    **{"ec2": "CreateTags", "elbv2": "AddTags", "autoscaling": "CreateOrUpdateTags"},
    **{"ssm": "AddTagsToResource"},
}
EC2 = "ec2.amazonaws.com"


@dataclass(frozen=True)
class Need:
    """An action on a resource; `facts` are context keys of the request, `tags` what it gives."""

    action: str
    resource: str = "*"
    kind: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def of(call: Call, folder: Path) -> Iterator[Need]:
    """Yield what a call needs.

    Args:
        call: What the request asks for.
        folder: Where the evaluator's library is.

    Raises:
        RefusalError: The lab does not know which permission the action takes.
    """
    if call.service == "s3":
        for action, kind, resource, facts in objects.needs(call):
            yield Need(f"s3:{action}", resource, kind, facts=facts)
        return
    yield from _own(call, folder)
    if call.service == "autoscaling" and call.parameters.get("LaunchTemplate"):
        # A group is made with the right to start its hosts.
        yield from _own(_launch(call), folder)
        yield from _passed(_launch(call))
    yield from _passed(call)


def kinds(action: str, folder: Path) -> dict[str, bool]:
    """Return the kinds of resources that an action takes, and whether it needs one of each.

    Raises:
        RefusalError: There is no such action.
    """
    service, name = action.split(":")
    known = data(folder, "actions", service).get(name.lower())
    if known is None:
        raise unknown(f"the permission {action}")
    return {each["name"].lower(): each["required"] for each in known["resourceTypes"]}


def _own(call: Call, folder: Path) -> Iterator[Need]:
    action = f"{PREFIXES.get(call.service, call.service)}:{call.action}"
    known = kinds(action, folder)
    found = resources.named(call, known)
    if not found and known and action not in OF_NO_RESOURCE:
        raise unknown(f"the resource of {action}")
    facts = _facts(call)
    for kind, arn in found or [("", "*")]:
        yield Need(action, arn, kind, _tags(call, kind), facts)
    yield from _tagging(call, action, found)


def _tagging(call: Call, action: str, found: list[tuple[str, str]]) -> Iterator[Need]:
    """Yield the tagging of what a call makes."""
    service, name = action.split(":")
    tagger = TAGGING.get(call.service)
    if call.service == "iam" and call.action.startswith("Create"):
        tagger = f"Tag{call.action.removeprefix('Create')}"
    if tagger in (None, name) or call.action.startswith("Delete"):
        return
    if call.service == "ec2":
        kinds_made = [each["ResourceType"] for each in call.parameters.get("TagSpecifications", [])]
        found = [(kind, resources.ec2_arn(kind, resources.NEW, call.region)) for kind in kinds_made]
    for kind, arn in found:
        if call.action == "CreateListener":
            arn = f"{arn.replace(':loadbalancer/', ':listener/')}/{resources.NEW}"
        if tags := _tags(call, kind):
            made = {f"{service}:CreateAction": name}
            yield Need(f"{service}:{tagger}", arn, kind, tags, made)


def _tags(call: Call, kind: str) -> tuple[tuple[str, str], ...]:
    """Return the tags that a call gives a resource of a kind."""
    tags = call.parameters.get("Tags") or call.parameters.get("AddTags") or []
    for each in call.parameters.get("TagSpecifications") or ():
        if each.get("ResourceType") == kind:
            tags = each["Tags"]
    return tuple((tag["Key"], tag.get("Value") or "") for tag in tags)


def _facts(call: Call) -> dict[str, Any]:
    given = call.parameters
    facts: dict[str, Any] = {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": _records(call)
    }
    if call.service == "iam":
        facts["iam:PermissionsBoundary"] = given.get("PermissionsBoundary") or _boundary(call)
        facts["iam:PolicyARN"] = given.get("PolicyArn", "")
        facts["iam:AWSServiceName"] = given.get("AWSServiceName", "")
    if template := call.action == "RunInstances" and given.get("LaunchTemplate"):
        name = resources.template_id(template, ec2_backends[ACCOUNT][call.region])
        facts["ec2:LaunchTemplate"] = resources.ec2_arn("launch-template", name, call.region)
    facts["cloudwatch:namespace"] = given.get("Namespace", "")
    return {key: value for key, value in facts.items() if value}


def _records(call: Call) -> list[str]:
    """Return the names that a call changes in DNS, as Route 53 writes them for policies."""
    changes = call.parameters.get("ChangeBatch", {}).get("Changes", [])
    return [each["ResourceRecordSet"]["Name"].lower().rstrip(".") for each in changes]


def _boundary(call: Call) -> str:
    """Return the boundary of the role that is there; none of one that would be made."""
    name = call.parameters.get("RoleName")
    roles = iam_backends[ACCOUNT]["aws"].roles.values()
    found = [role.permissions_boundary_arn for role in roles if role.name == name]
    return (found and found[0]) or ""


def _passed(call: Call) -> Iterator[Need]:
    """Yield the passing of a role to EC2, where a call does so."""
    if call.action in ("CreateLaunchTemplate", "CreateLaunchTemplateVersion"):
        return
    names: list[str] = []
    if call.service == "iam" and call.action == "AddRoleToInstanceProfile":
        names.append(call.parameters["RoleName"])
    if profile := call.parameters.get("IamInstanceProfile"):
        for each in iam_backends[ACCOUNT]["aws"].instance_profiles.values():
            if profile.get("Name") == each.name or profile.get("Arn") == each.arn:
                names += [role.name for role in each.roles]
    for name in names:
        yield Need("iam:PassRole", resources.role(name), "role", facts={"iam:PassedToService": EC2})


def _launch(call: Call) -> Call:
    """Return the start of an instance as a scaling group's launch template has it."""
    ec2 = ec2_backends[ACCOUNT][call.region]
    name = resources.template_id(call.parameters["LaunchTemplate"], ec2)
    template = ec2.launch_templates.get(name)
    given = dict(template.latest_version().data) if template else {}
    given["LaunchTemplate"] = {"LaunchTemplateId": name}
    given["SubnetIds"] = call.parameters.get("VPCZoneIdentifier", "").split(",")
    starting = get_service_model("ec2").operation_model("RunInstances")
    return replace(call, operation=starting, parameters=given)
