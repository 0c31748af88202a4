"""A request against its service's model: types, required members, lengths, patterns, enumerations.

botocore's own validator leaves out patterns, maximum lengths and enumerations, and moto checks few.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

import regex
from botocore.model import Shape
from botocore.validate import ParamValidator

from tools.lab.aws.calls import Call, RefusalError

# The code of a service for a request that its model does not allow; ValidationError for the others.
CODES = {
    "ec2": "InvalidParameterValue",
    "route53": "InvalidInput",
    "s3": "InvalidArgument",
    "ssm": "ValidationException",
    "secretsmanager": "ValidationException",
    "logs": "InvalidParameterException",
}
# Java's pairs of surrogates, as a class of characters that Python's patterns understand.
SURROGATES = re.compile(r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF]{2}\\u[dD][fF]{3}")
BEYOND_16_BITS = r"\\U00010000-\\U0010FFFF"


def check(call: Call) -> None:
    """Check a call's parameters against its model.

    Raises:
        RefusalError: AWS refuses them; the message names the first that it does not allow.
    """
    shape = call.operation.input_shape
    if shape is None:
        return
    report = ParamValidator().validate(call.parameters, shape)
    found = report.generate_report() if report.has_errors() else next(_faults(call, shape), "")
    if found:
        code = CODES.get(call.service, "ValidationError")
        if call.service == "s3" and shape.serialization.get("payload", "-") in found:
            code = "MalformedXML"
        raise RefusalError(code, f"1 validation error detected: {found}")


def _faults(call: Call, shape: Shape) -> Iterator[str]:
    for path, at, value in _values(shape, call.parameters, ""):
        most = at.metadata.get("max")
        if most is not None and _size(value) > most:
            yield _fault(path, value, f"have length less than or equal to {most}")
        if not isinstance(value, str):
            continue
        pattern = at.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _fault(path, value, f"satisfy regular expression pattern: {pattern}")
        allowed = at.metadata.get("enum")
        if allowed and value not in allowed:
            yield _fault(path, value, f"satisfy enum value set: [{', '.join(allowed)}]")


def _fault(path: str, value: object, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _values(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, Shape, Any]]:
    """Yield each value with its path and shape, the whole before its parts."""
    yield path, shape, value
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _values(member, value[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from _values(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _values(shape.key, key, f"{path}.key")
            yield from _values(shape.value, item, f"{path}.{key}")


def _size(value: Any) -> float:
    """Return what a maximum counts: a number itself, characters, or items."""
    return value if isinstance(value, int | float) else len(value)


@functools.cache
def _compiled(pattern: str) -> Any:
    return regex.compile(SURROGATES.sub(BEYOND_16_BITS, pattern))
