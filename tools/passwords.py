"""The databases' passwords, in SSM Parameter Store: made once, read by the hosts of each role."""

import secrets
from collections.abc import Mapping
from typing import Any

# Password -> roles whose hosts read it: no role may read another's secrets.
READERS = {
    "owner_password": ("database", "spark_worker", "controller"),
    "reader_password": ("database", "web"),
}
BYTES = 32


def ensure(ssm: Any, environment: str) -> None:
    """Give each role the passwords it needs; one that is there is left as it is."""
    there = _there(ssm, environment)
    for name, roles in READERS.items():
        paths = [f"/airaware/{environment}/{role}/{name}" for role in roles]
        known = next((there[path] for path in paths if path in there), None)
        value = known or secrets.token_urlsafe(BYTES)
        for path in paths:
            if path not in there:
                ssm.put_parameter(Name=path, Value=value, Type="SecureString")


def forget(ssm: Any, environment: str) -> None:
    """Delete them all, with the environment."""
    for path in _there(ssm, environment):
        ssm.delete_parameter(Name=path)


def _there(ssm: Any, environment: str) -> Mapping[str, str]:
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path=f"/airaware/{environment}", Recursive=True, WithDecryption=True
    )
    return {each["Name"]: each["Value"] for page in pages for each in page["Parameters"]}
