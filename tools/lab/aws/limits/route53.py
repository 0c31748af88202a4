"""Limits of Route 53's records."""

import ipaddress

from tools.lab.aws.calls import Call
from tools.lab.aws.limits.limit import Limit, values

API = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/"
RECORDS = "ChangeBatch.Changes[].ResourceRecordSet"


def _bad_name(call: Call) -> bool:
    names = values(call, f"{RECORDS}.Name", "Name")
    return any(
        len(name) > 255 or any(len(label) > 63 for label in name.split(".")) for name in names
    )


def _bad_address(call: Call) -> bool:
    addresses = values(call, f"{RECORDS} | [?Type=='A'].ResourceRecords[].Value")
    return not all(map(_is_address, addresses))


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


LIMITS = (
    Limit(
        "a domain name has at most 255 characters, each of its labels 63",
        ("ChangeResourceRecordSets", "CreateHostedZone"),
        _bad_name,
        "InvalidDomainName",
        "The domain name is too long: at most 255 characters, and 63 a label",
        API + "DomainNameFormat.html",
    ),
    Limit(
        "an A record's value is an IPv4 address",
        ("ChangeResourceRecordSets",),
        _bad_address,
        "InvalidChangeBatch",
        "Value is not a valid IPv4 address",
        API + "ResourceRecordTypes.html",
    ),
)
