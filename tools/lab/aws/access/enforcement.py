"""IAM, enforced: whether the sender of a request may do what it asks for.

The account's administrator may do all. For everybody else a policy has to allow it: those of his
role, up to its boundary, or the resource's own. The evaluator judges, in a process of its own.
"""

import functools
import json
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from tools.lab.aws.access import needs, principals, tags
from tools.lab.aws.access.evaluator import ALLOWED, EXPLICIT, Evaluator, Question
from tools.lab.aws.access.needs import Need
from tools.lab.aws.access.principals import Principal
from tools.lab.aws.calls import Call, RefusalError, unknown

# Nobody needs a permission for it.
FREE = ("sts:GetCallerIdentity",)
# What a service calls a refusal; AccessDenied for the others.
CODES = {"ec2": "UnauthorizedOperation", "ssm": "AccessDeniedException"}
# Condition keys that the lab knows a request's values of; those ending in a slash have a name.
KNOWN = {
    *("aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:requestedregion"),
    *("aws:securetransport", "aws:sourcevpc", "aws:sourcevpce", "aws:tagkeys", "aws:userid"),
    *("aws:username", "cloudwatch:namespace", "ec2:createaction", "ec2:launchtemplate"),
    "iam:awsservicename",
    *("elasticloadbalancing:createaction", "iam:passedtoservice", "iam:permissionsboundary"),
    *("iam:policyarn", "s3:delimiter", "s3:prefix"),
    "route53:changeresourcerecordsetsnormalizedrecordnames",
    *("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "ec2:resourcetag/"),
}


class Access:
    """Has requests judged; `administrator` is the access key of who may do all."""

    def __init__(self, administrator: str) -> None:
        """Start the evaluator.

        Raises:
            AirAwareError: It cannot be had.
        """
        self._administrator = administrator
        self._evaluator = Evaluator()

    def stop(self) -> None:
        """End the evaluator."""
        self._evaluator.stop()

    def check(self, call: Call, environ: dict[str, Any]) -> None:
        """Check that the sender may do what a request asks for.

        Raises:
            RefusalError: He may not.
        """
        key = principals.key_id(environ)
        if key == self._administrator or f"{call.service}:{call.action}" in FREE:
            return
        principal = principals.sender(key)
        facts = principal.facts | principals.network_facts(environ["REMOTE_ADDR"], call.region)
        needed = list(needs.of(call, self._evaluator.folder))
        questions = [self._question(call, principal, need, facts) for need in needed]
        for need, verdict in zip(needed, self._evaluator.judge(questions), strict=True):
            if verdict != ALLOWED:
                raise _denial(call, principal, need, verdict)

    def _question(
        self, call: Call, principal: Principal, need: Need, facts: dict[str, str]
    ) -> Question:
        """Return a need as the evaluator takes it."""
        own = tags.facts(call, need, self._evaluator.folder)
        resource_policy = _resource_policy(need)
        for each in (*principal.policies.values(), principal.boundary, resource_policy):
            if lacking := [key for key in _condition_keys(each) if not _is_known(key)]:
                raise unknown(f"the condition key {lacking[0]}")
        return Question(
            principal=principal.arn,
            action=need.action,
            resource=need.resource,
            facts=tuple(
                (name, tuple(value) if isinstance(value, list) else value)
                for name, value in (facts | own).items()
            ),
            policies=tuple(principal.policies.items()),
            boundary=principal.boundary,
            resource_policy=resource_policy,
        )


def _denial(call: Call, principal: Principal, need: Need, verdict: str) -> RefusalError:
    who = f"User: {principal.arn}" if principal.arn else "Anonymous"
    why = (
        "with an explicit deny in a policy"
        if verdict == EXPLICIT
        else f"because no policy allows the {need.action} action"
    )
    return RefusalError(
        CODES.get(call.service, "AccessDenied"),
        f"{who} is not authorized to perform: {need.action} on resource: {need.resource} {why}",
        400 if call.service == "ssm" else 403,
    )


def _resource_policy(need: Need) -> str:
    """Return the policy of the resource itself, a bucket's or who may take a role; else empty."""
    if need.action.startswith("s3:") and need.resource != "*":
        bucket = need.resource.removeprefix("arn:aws:s3:::").split("/")[0]
        found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
        return principals.text(found.policy) if found and found.policy else ""
    if need.action == "sts:AssumeRole":
        for role in iam_backends[ACCOUNT]["aws"].roles.values():
            if role.arn == need.resource:
                return principals.text(role.assume_role_policy_document)
    return ""


@functools.lru_cache
def _condition_keys(policy: str) -> tuple[str, ...]:
    """Return the condition keys that a policy names."""
    statements = json.loads(policy)["Statement"] if policy else []
    return tuple(
        key
        for statement in (statements if isinstance(statements, list) else [statements])
        for tests in statement.get("Condition", {}).values()
        for key in tests
    )


def _is_known(key: str) -> bool:
    name, slash, _ = key.lower().partition("/")
    return name + slash in KNOWN
