"""What a limit is, and the checks that several have in common."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jmespath

from tools.lab.aws.calls import Call

EC2_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"


@dataclass(frozen=True)
class Limit:
    """A documented limit: what it says, and how AWS refuses what breaks it."""

    says: str
    actions: tuple[str, ...]
    broken: Callable[[Call], bool]
    code: str
    message: str
    page: str  # where AWS documents it


def values(call: Call, *paths: str) -> list[Any]:
    """Return what is found at JMESPath paths of the parameters, nested lists flattened."""
    found: list[Any] = []
    for path in paths:
        value = jmespath.search(path, call.parameters)
        found += value if isinstance(value, list) else [] if value is None else [value]
    return found


def all_match(pattern: str, *paths: str) -> Callable[[Call], bool]:
    """Return a check that is broken where a value does not match the pattern as a whole."""
    compiled = re.compile(pattern)
    return lambda call: any(not compiled.fullmatch(str(value)) for value in values(call, *paths))


def at_most(most: int, size: Callable[[Any], int], *paths: str) -> Callable[[Call], bool]:
    """Return a check that is broken where a value's size is larger."""
    return lambda call: any(size(value) > most for value in values(call, *paths))


def within(least: int, most: int, *paths: str) -> Callable[[Call], bool]:
    """Return a check that is broken where a number is out of its range."""
    return lambda call: any(not least <= int(value) <= most for value in values(call, *paths))


def decoded_bytes(text: str) -> int:
    """Return the size of what base64 stands for; also without its padding."""
    return len(base64.b64decode(text + "=" * (-len(text) % 4)))


def characters_but_blanks(text: str) -> int:
    """Return the characters of a policy that AWS counts: all but white space."""
    return len("".join(text.split()))


def attribute(name: str) -> str:
    """Return the path to a load balancer's or target group's attribute of that name."""
    return f"Attributes[?Key=='{name}'].Value"
