"""Who sends a request, by its access key, and which policies he has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from werkzeug.wrappers import Request

from tools.lab.aws.calls import RefusalError, unknown


@dataclass(frozen=True)
class Principal:
    """A role's session, a user, or whoever does not sign: `arn` is empty. Policies are JSON."""

    arn: str = ""
    policies: dict[str, str] = field(default_factory=dict)
    boundary: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def key_id(environ: dict[str, Any]) -> str:
    """Return the id of the access key that a request is signed with; empty where it is not."""
    request = Request(environ)
    credential = request.headers.get("Authorization", "").partition("Credential=")[2]
    return (credential or request.args.get("X-Amz-Credential", "")).split("/")[0]


def sender(key: str) -> Principal:
    """Return who has an access key.

    Raises:
        RefusalError: Nobody has it.
    """
    if not key:
        return Principal()
    iam = iam_backends[ACCOUNT]["aws"]
    if session := sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(key):
        if session.policy:
            raise unknown("policies of a session")
        roles = [role for role in iam.roles.values() if role.arn == session.role_arn]
        if roles:
            tags = {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in roles[0].tags}
            facts = {"aws:PrincipalArn": session.role_arn, "aws:PrincipalType": "AssumedRole"}
            return _principal(session.arn, roles[0], session.user_id, facts | tags)
    for user in iam.users.values():
        if any(each.access_key_id == key for each in user.access_keys):
            facts = {"aws:PrincipalArn": user.arn, "aws:PrincipalType": "User"}
            return _principal(user.arn, user, user.id, facts | {"aws:username": user.name})
    raise RefusalError("InvalidClientTokenId", "The security token in the request is invalid.", 403)


def network_facts(address: str, region: str) -> dict[str, str]:
    """Return the context keys that follow from a request's address."""
    facts = {"aws:SecureTransport": "true", "aws:RequestedRegion": region}
    ec2 = ec2_backends[ACCOUNT][region]
    for endpoint in ec2.vpc_end_points.values():
        vpc = ec2.vpcs.get(endpoint.vpc_id)  # moto keeps endpoints that are deleted
        if vpc is None or vpc.is_default or endpoint.state == "deleted":
            continue
        if ip_address(address) in ip_network(vpc.cidr_block):
            facts |= {"aws:SourceVpce": endpoint.id, "aws:SourceVpc": vpc.id}
    return facts


def text(policy: Any) -> str:
    """Return a policy, which moto holds as text, as bytes or parsed, as JSON."""
    if isinstance(policy, bytes):
        return policy.decode()
    return policy if isinstance(policy, str) else json.dumps(policy)


def managed(arn: str) -> str:
    """Return a managed policy's document.

    Raises:
        RefusalError: There is none of that ARN.
    """
    found = iam_backends[ACCOUNT]["aws"].managed_policies.get(arn)
    if found is None:
        raise unknown(f"the policy {arn}")
    default = [version for version in found.versions if version.is_default]
    return text(default[0].document)


def _principal(arn: str, held: Any, user_id: str, facts: dict[str, str]) -> Principal:
    boundary = getattr(held, "permissions_boundary_arn", None)
    return Principal(
        arn,
        dict(_policies(held)),
        managed(boundary) if boundary else "",
        facts | {"aws:userid": user_id, "aws:PrincipalAccount": ACCOUNT},
    )


def _policies(held: Any) -> Iterator[tuple[str, str]]:
    for name, policy in held.policies.items():
        yield name, text(policy)
    for arn in held.managed_policies:
        yield arn, managed(arn)
