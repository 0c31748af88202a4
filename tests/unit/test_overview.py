"""How loads of several zones are compared for a person."""

from datetime import UTC, datetime
from decimal import Decimal

from airaware.store.manifest import Loaded
from tools.overview import _agreement, _checksums


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
