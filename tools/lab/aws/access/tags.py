"""The context keys of a need: tags that a resource has, tags that it is given, and the rest.

A key is there only where IAM's data says that the action, or the kind of resource, has it.
"""

import functools
from pathlib import Path
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends
from moto.iam.models import iam_backends

from tools.lab.aws.access.library import data
from tools.lab.aws.access.needs import Need
from tools.lab.aws.calls import Call


def facts(call: Call, need: Need, folder: Path) -> dict[str, Any]:
    """Return a need's context keys, but those that every request has."""
    service, name = need.action.split(":")
    allowed = _allowed(service, name, need.kind, folder)
    found: dict[str, Any] = {
        key: value for key, value in need.facts.items() if key.lower() in allowed
    }
    if "aws:requesttag/" in allowed:
        found |= {f"aws:RequestTag/{key}": value for key, value in need.tags}
        if need.tags:
            found["aws:TagKeys"] = [key for key, _ in need.tags]
    for prefix in ("aws", service):
        if f"{prefix}:resourcetag/" in allowed:
            has = _of_resource(service, need, call.region)
            found |= {f"{prefix}:ResourceTag/{key}": value for key, value in has.items()}
    return found


@functools.lru_cache(maxsize=1024)
def _allowed(service: str, name: str, kind: str, folder: Path) -> set[str]:
    action = data(folder, "actions", service)[name.lower()]
    keys = list(action["conditionKeys"])
    for each in action["resourceTypes"]:
        if each["name"].lower() == kind:
            keys += each["conditionKeys"]
            known = data(folder, "resourceTypes", service).get(kind, {})
            keys += known.get("conditionKeys", [])
    return {key.lower().split("${")[0].split("<")[0] for key in keys}


def _of_resource(service: str, need: Need, region: str) -> dict[str, str]:
    """Return the tags that a resource has; none of one that would be made."""
    arn, name = need.resource, need.resource.rpartition("/")[2]
    if service == "ec2" or ":ec2:" in arn:
        backend = ec2_backends[ACCOUNT][region]
        if need.kind == "key-pair" and name in backend.key_pairs:
            name = backend.key_pairs[name].id
        return dict(backend.tags[name]) if name in backend.tags else {}
    if service == "elasticloadbalancing":
        tagging = elbv2_backends[ACCOUNT][region].tagging_service
        return dict(tagging.get_tag_dict_for_resource(arn))
    if service == "autoscaling":
        group = autoscaling_backends[ACCOUNT][region].autoscaling_groups.get(name)
        return {tag["Key"]: tag["Value"] for tag in (group.tags if group else ())}
    if service == "iam":
        roles = iam_backends[ACCOUNT]["aws"].roles.values()
        return {tag["Key"]: tag["Value"] for role in roles if role.arn == arn for tag in role.tags}
    return {}
