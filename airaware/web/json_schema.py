"""JSON Schema of dataclasses, for the OpenAPI document (3.1, which uses draft 2020-12)."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Keywords:
    """Further keywords of a member's schema, for `Annotated`."""

    def __init__(self, **keywords: Any) -> None:
        """Take keywords of JSON Schema by their names."""
        self.keywords = keywords


def components(*roots: type) -> dict[str, dict[str, Any]]:
    """Return the schemas of some dataclasses, and of all those that their members hold, by name."""
    found: dict[str, dict[str, Any]] = {}
    waiting = list(roots)
    while waiting:
        each = waiting.pop()
        if each.__name__ not in found:
            hints = get_type_hints(each, include_extras=True)
            members = {name.rstrip("_"): schema(hint) for name, hint in hints.items()}
            found[each.__name__] = {
                "type": "object",
                "properties": members,
                "required": list(members),
            }
            waiting += [held for hint in hints.values() for held in _dataclasses(hint)]
    return dict(sorted(found.items()))


def schema(hint: Any) -> dict[str, Any]:
    """Return the schema of a member's type; a dataclass is referred to.

    Types are primitives, literals, lists, `dict[str, …]`, `… | None`, dataclasses, and any of these
    annotated with `Keywords`.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return ref(hint.__name__)
    if origin is Annotated:
        return {**schema(parts[0]), **parts[1].keywords}
    if origin is Literal:
        return {"enum": list(parts)} if len(parts) > 1 else {"const": parts[0]}
    if origin is list:
        return {"type": "array", "items": schema(parts[0])}
    if origin is dict:
        return {"type": "object"}
    if origin in (Union, UnionType):
        return _or_null(schema(next(part for part in parts if part is not NoneType)))
    return {"type": PRIMITIVES[hint]}


def ref(name: str) -> dict[str, Any]:
    """Return the reference to a component's schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("type") in PRIMITIVES.values():
        return found | {"type": [found["type"], "null"]}
    return {"anyOf": [found, {"type": "null"}]}


def _dataclasses(hint: Any) -> Iterator[type]:
    """Yield the dataclasses in a type."""
    if is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for part in get_args(hint):
        yield from _dataclasses(part)
