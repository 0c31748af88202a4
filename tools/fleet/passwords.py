"""What hosts read from Parameter Store: the databases' passwords, and the CA's certificate.

No role's hosts can read another role's.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from tools.region import roles

BYTES = 32
# No secret, but what a host of the site must be able to trust before it has asked the master.
CA_CERTIFICATE = "web/ca_certificate"


def ensure(ssm: Any, environment: str) -> None:
    """Give each role the passwords that it needs; keep those that exist."""
    there = _there(ssm, environment)
    for name, readers in roles.readers().items():
        paths = [f"/airaware/{environment}/{role}/{name}" for role in readers]
        known = next((there[path] for path in paths if path in there), None)
        value = known or secrets.token_urlsafe(BYTES)
        for path in paths:
            if path not in there:
                ssm.put_parameter(Name=path, Value=value, Type="SecureString")


def keep_ca(ssm: Any, environment: str, certificate: str) -> None:
    """Store the certificate (PEM) of Puppet's CA, for hosts to trust before their first run."""
    ssm.put_parameter(
        Name=f"/airaware/{environment}/{CA_CERTIFICATE}",
        Value=certificate.strip(),
        Type="SecureString",
        Overwrite=True,
    )


def forget(ssm: Any, environment: str) -> None:
    """Delete all of the environment's parameters."""
    for path in _there(ssm, environment):
        ssm.delete_parameter(Name=path)


def _there(ssm: Any, environment: str) -> Mapping[str, str]:
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path=f"/airaware/{environment}", Recursive=True, WithDecryption=True
    )
    return {each["Name"]: each["Value"] for page in pages for each in page["Parameters"]}
