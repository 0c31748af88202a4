"""What JSON Schema says of dataclasses."""

from dataclasses import dataclass
from typing import Annotated, Literal

from airaware.web.json_schema import Keywords, components


@dataclass(frozen=True)
class Inner:
    """Held by Outer."""

    number: float


@dataclass(frozen=True)
class Outer:
    """One member of each kind."""

    from_: Annotated[str, Keywords(format="date")]
    which: Literal["a", "b"]
    only: Literal["a"]
    maybe: int | None
    named: Annotated[str | None, Keywords(enum=["x", None])]
    counts: dict[str, int]
    inner: Inner | None
    several: Annotated[list[Inner], Keywords(maxItems=2)]


def test_each_kind_of_member():
    inner = {"$ref": "#/components/schemas/Inner"}
    found = components(Outer)
    assert found["Inner"]["properties"] == {"number": {"type": "number"}}
    assert found["Outer"]["properties"] == {
        "from": {"type": "string", "format": "date"},
        "which": {"enum": ["a", "b"]},
        "only": {"const": "a"},
        "maybe": {"type": ["integer", "null"]},
        "named": {"type": ["string", "null"], "enum": ["x", None]},
        "counts": {"type": "object"},
        "inner": {"anyOf": [inner, {"type": "null"}]},
        "several": {"type": "array", "items": inner, "maxItems": 2},
    }
    assert found["Outer"]["required"] == list(found["Outer"]["properties"])
