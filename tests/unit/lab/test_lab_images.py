"""The cache of image layers, without building any."""

import os
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.lab import images


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three layers of 10 bytes, the first used longest ago; the third lies on the second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for used, (name, below) in enumerate((("one", ""), ("two", ""), ("three", "two"))):
        layer = images.folder() / name
        (layer / "root").mkdir(parents=True)
        (layer / "below").write_text(below)
        (layer / "bytes").write_text("10")
        os.utime(layer, (used, used))
    return images.folder()


def test_a_digest_leads_to_its_layers_the_topmost_first(cache: Path) -> None:
    assert images.layers_of("three") == (
        cache / "three" / "root",
        cache / "two" / "root",
    )


def test_a_layer_that_is_gone_is_told(cache: Path) -> None:
    with pytest.raises(AirAwareError, match="build the lab's image again"):
        images.layers_of("four")


@pytest.mark.parametrize(
    ("limit", "left"), [(30, {"one", "two", "three"}), (29, {"two", "three"}), (0, {"two"})]
)
def test_the_longest_unused_layers_go_first_but_none_that_is_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch, limit: int, left: set[str]
) -> None:
    monkeypatch.setattr(images, "LIMIT_BYTES", limit)
    images._shrink((cache / "two" / "root",))
    assert {path.name for path in cache.iterdir()} == left


def test_other_inputs_make_another_digest() -> None:
    assert images._digest("a", "b") != images._digest("ab") != images._digest("b", "a")
