"""Limits of IAM: sizes of policies."""

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends

from tools.lab.aws.calls import Call
from tools.lab.aws.limits.limit import Limit, at_most, characters_but_blanks

QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
TRUST, INLINE, MANAGED = 2_048, 10_240, 6_144


def _inline_too_large(call: Call) -> bool:
    """Whether all inline policies of the role are too large with this one."""
    roles = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].roles.values()
    role = next((role for role in roles if role.name == call.parameters["RoleName"]), None)
    policies = dict(role.policies if role else {})
    policies[call.parameters["PolicyName"]] = call.parameters["PolicyDocument"]
    return sum(characters_but_blanks(text) for text in policies.values()) > INLINE


LIMITS = (
    Limit(
        f"a role's trust policy has at most {TRUST} characters, blanks not counted",
        ("CreateRole", "UpdateAssumeRolePolicy"),
        at_most(TRUST, characters_but_blanks, "AssumeRolePolicyDocument", "PolicyDocument"),
        "LimitExceeded",
        f"Cannot exceed quota for ACLSizePerRole: {TRUST}",
        QUOTAS,
    ),
    Limit(
        f"a role's inline policies have at most {INLINE} characters in all, blanks not counted",
        ("PutRolePolicy",),
        _inline_too_large,
        "LimitExceeded",
        f"Maximum policy size of {INLINE} bytes exceeded for role",
        QUOTAS,
    ),
    Limit(
        f"a managed policy has at most {MANAGED} characters, blanks not counted",
        ("CreatePolicy", "CreatePolicyVersion"),
        at_most(MANAGED, characters_but_blanks, "PolicyDocument"),
        "LimitExceeded",
        f"Cannot exceed quota for PolicySize: {MANAGED}",
        QUOTAS,
    ),
)
