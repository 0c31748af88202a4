"""How loads of several zones are compared for a person."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from airaware.store.manifest import Loaded
from tools.environments import overview
from tools.environments.overview import _agreement, _checksums
from tools.machine import steps


def loaded(checksum: int) -> Loaded:
    return Loaded(44201, 2013, False, 10, 1, 0, Decimal(checksum), datetime.now(UTC))


def test_equal_zones_have_one_checksum() -> None:
    copies = {"a": loaded(7), "b": loaded(7)}
    assert (_agreement(copies), _checksums(copies)) == ("equal", "7")


def test_zones_that_differ_show_each_checksum() -> None:
    copies = {"a": loaded(7), "b": loaded(8)}
    assert _agreement(copies) == "they differ: submit the year again"
    assert _checksums(copies) == "a: 7, b: 8"


def test_a_zone_that_lacks_a_load_is_named() -> None:
    copies = {"a": None, "b": loaded(8)}
    assert (_agreement(copies), _checksums(copies)) == ("missing in a: submit the year again", "8")


def test_nothing_is_cut_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    console = Console(file=said, width=80, soft_wrap=True)
    monkeypatch.setattr(steps, "console", console)
    monkeypatch.setattr(overview, "console", console)
    checksums = [-123456789012345678901234, 987654321098765432109876]
    loads = {zone: [loaded(checksum)] for zone, checksum in zip("ab", checksums, strict=True)}
    overview._show_loads(loads, {(44201, 2013): {"cell_year": 1}})
    assert "…" not in said.getvalue()
    assert all(str(checksum) in said.getvalue() for checksum in checksums)
