"""The base image, and builds that do not come to their end."""

import subprocess
import sys
from pathlib import Path

import pytest
from deadline import until

from airaware.errors import AirAwareError
from tools.lab.commands import run
from tools.lab.hosts import images

BUILD = "from tools.lab.hosts import images; images.base(print)"


def test_the_image_is_reused_and_names_its_layers(image: images.Image) -> None:
    said: list[str] = []
    assert images.base(said.append) == image
    assert said == []
    assert images.layers_of(image.digest) == image.layers


def test_an_image_tells_nothing_of_where_it_was_built(image: images.Image) -> None:
    top, below = image.layers
    for layer in (top, below):
        assert not [*layer.glob("etc/ssh/ssh_host_*"), *layer.glob("etc/apt/auth.conf*/*")]
        assert not (layer / "etc/resolv.conf").is_file()
        assert (layer / "etc/machine-id").read_text() == ""
    assert "Acquire::Check" not in "".join(
        path.read_text() for path in (top / "etc/apt").rglob("*") if path.is_file()
    )


@pytest.mark.usefixtures("able")
def test_a_killed_build_leaves_nothing_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", BUILD], stdout=subprocess.DEVNULL) as build:
        until(lambda: list(tmp_path.glob("airaware/images/building-*/root/var")))
        build.kill()
    (unfinished,) = images.folder().glob("building-*")
    mount = unfinished / "work" / "mount"  # as a build of the next layer has it
    mount.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "airaware-test", mount)

    def fail(*_: object) -> None:
        raise AirAwareError("no network")

    monkeypatch.setattr(images, "_bootstrap", fail)
    with pytest.raises(AirAwareError, match="no network"):
        images.base(print)
    assert [path.name for path in images.folder().iterdir()] == ["lock"]
