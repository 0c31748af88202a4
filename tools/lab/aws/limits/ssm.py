"""Limits of Systems Manager's parameters."""

from tools.lab.aws.calls import Call
from tools.lab.aws.limits.limit import Limit, all_match, values

API = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"
SIZES = {"Standard": 4_096, "Advanced": 8_192, "Intelligent-Tiering": 8_192}


def _too_long(call: Call) -> bool:
    tier = next(iter(values(call, "Tier")), "Standard")
    return any(len(value.encode()) > SIZES.get(tier, 0) for value in values(call, "Value"))


LIMITS = (
    Limit(
        "a parameter has at most 4 KB, an advanced one 8 KB",
        ("PutParameter",),
        _too_long,
        "ValidationException",
        "Standard tier parameters support a maximum parameter value of 4096 characters, advanced"
        " ones of 8192.",
        API,
    ),
    Limit(
        "a parameter's name has letters, digits and ._-/",
        ("PutParameter",),
        all_match(r"[a-zA-Z0-9_.\-/]+", "Name"),
        "ValidationException",
        'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path,'
        " it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a"
        " mix of letters, numbers and the following 3 symbols .-_",
        API,
    ),
    Limit(
        "a parameter's name has at most 15 levels",
        ("PutParameter",),
        lambda call: any(name.count("/") > 15 for name in values(call, "Name")),
        "HierarchyLevelLimitExceededException",
        "A hierarchy can have a maximum of 15 levels.",
        API,
    ),
)
