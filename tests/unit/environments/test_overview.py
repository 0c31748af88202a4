"""How loads of several zones are compared for a person."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from airaware.store import rowhash
from airaware.store.manifest import Loaded
from tools.environments import overview
from tools.environments.overview import _agreement, _checksums, _verified
from tools.machine import steps

Copies = dict[str, Loaded | None]


def loaded(checksum: int) -> Loaded:
    return Loaded(44201, 2013, False, 10, 1, 0, Decimal(checksum), datetime.now(UTC))


def test_equal_zones_have_one_checksum() -> None:
    copies: Copies = {"a": loaded(7), "b": loaded(7)}
    assert (_agreement(copies), _checksums(copies)) == ("equal", "7")


def test_zones_that_differ_show_each_checksum() -> None:
    copies: Copies = {"a": loaded(7), "b": loaded(8)}
    assert _agreement(copies) == "they differ: submit the year again"
    assert _checksums(copies) == "a: 7, b: 8"


def test_a_zone_that_lacks_a_load_is_named() -> None:
    copies = {"a": None, "b": loaded(8)}
    assert (_agreement(copies), _checksums(copies)) == ("missing in a: submit the year again", "8")


def test_what_was_found_by_verifying_is_said() -> None:
    early, late = datetime(2026, 1, 2, 5, tzinfo=UTC), datetime(2026, 1, 2, 8, tzinfo=UTC)
    sound = replace(loaded(7), verified_at=early, found_checksum=Decimal(7))
    damaged = replace(sound, verified_at=late, found_checksum=Decimal(9))
    old = replace(sound, hash=rowhash.OLD_NAME, verified_at=None, found_checksum=None)
    assert _agreement({"a": sound, "b": damaged}) == "damaged in b: fab verify --repair"
    assert _verified({"a": sound, "b": damaged}) == "2026-01-02 05:00"
    assert _agreement({"a": old, "b": sound}) == "not verifiable: submit the year again"
    assert _verified({"a": old, "b": sound}) == "never"


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
