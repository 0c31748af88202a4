"""Disks that become layers: their digest, what is taken out of them, and what is freed."""

import os
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from tools.lab import model
from tools.lab.hosts import contents, disks, images, seed

CA = "-----BEGIN CERTIFICATE-----\nthe lab's own\n-----END CERTIFICATE-----\n"
ENDPOINT = seed.Endpoint("https://192.0.2.1", "us-west-2", CA)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one layer, `base`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    layer = images.folder() / "base"
    (layer / "root").mkdir(parents=True)
    (layer / "below").write_text("")
    (layer / "bytes").write_text("10")
    return images.folder()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A host's disk with a file and a link on it."""
    folder = tmp_path / "disk"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/motd").write_text("hello")
    (folder / "etc/link").symlink_to("motd")
    return folder


def keep(root: Path) -> None:
    """Take nothing out."""


def test_a_digest_is_of_content_and_rights_not_of_times(disk: Path) -> None:
    before = contents.digest(disk)
    os.utime(disk / "etc/motd", (1, 1))
    assert contents.digest(disk) == before != contents.digest(disk, "on another layer")
    (disk / "etc/motd").chmod(0o600)
    changed = contents.digest(disk)
    (disk / "etc/motd").write_text("hallo")
    assert len({before, changed, contents.digest(disk)}) == 3


def test_equal_disks_are_one_layer_and_a_disk_is_copied(cache: Path, disk: Path) -> None:
    layer = images.seal(disk, "base", keep)
    assert images.seal(disk, "base", keep) == layer
    assert images.layers_of(layer) == (cache / layer / "root", cache / "base" / "root")
    (disk / "etc/motd").write_text("changed")
    assert (cache / layer / "root/etc/motd").read_text() == "hello"
    assert (cache / layer / "root/etc/link").readlink() == Path("motd")


def test_a_seal_that_fails_leaves_nothing(cache: Path, disk: Path) -> None:
    def fail(_: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        images.seal(disk, "base", fail)
    assert {path.name for path in cache.iterdir()} == {"base", "lock"}


def test_a_freed_layer_goes_but_none_that_another_lies_on(cache: Path, disk: Path) -> None:
    layer = images.seal(disk, "base", keep)
    images.free("base")
    assert images.layers_of(layer)
    images.free(layer)
    images.free("base")
    assert {path.name for path in cache.iterdir()} == {"lock"}


def test_what_the_lab_wrote_into_a_host_is_not_in_its_image(disk: Path) -> None:
    bundle = disk / seed.BUNDLE
    bundle.parent.mkdir(parents=True)
    bundle.write_text("all others\n")
    subnet = model.Subnet("subnet-a", "us-west-2a", IPv4Network("10.0.1.0/24"), ())
    instance = model.Instance(
        id="i-1",
        state="running",
        launch=0,
        zone=subnet.zone,
        layer="base",
        type="t3.micro",
        user_data=b"secret",
        public_key="key",
        hostname="ip-1",
        interface=model.Interface(IPv4Address("10.0.1.10"), subnet.id, frozenset()),
        tags=(),
        volumes=(),
    )
    before = contents.digest(disk)
    seed.write(disk, instance, model.Region(subnets={subnet.id: subnet}), ENDPOINT)
    (disk / "etc/ssl/certs/aws.pem").symlink_to(f"/{seed.TRUSTED}")
    assert CA in bundle.read_text()
    seed.remove(disk, ENDPOINT)
    for folder in sorted((path for path in disk.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    assert contents.digest(disk) == before


@pytest.mark.usefixtures("cache")
def test_a_record_outlives_its_region_but_not_its_layer() -> None:
    folder = disks.records("aw00000000")
    folder.mkdir(parents=True)
    image = '{"id": "ami-%s", "name": "airaware-web", "layer": "%s", "source": "i-1", "below": "",'
    rest = ' "tags": [["Role", "web"]], "created": 1.5}'
    for name, layer in (("1", "base"), ("2", "gone")):
        (folder / f"ami-{name}.json").write_text(image % (name, layer) + rest)
    (known,) = disks.recorded("aw00000000")
    assert known == model.Image("ami-1", "airaware-web", "base", "i-1", "", (("Role", "web"),), 1.5)
    assert [path.name for path in folder.iterdir()] == ["ami-1.json"]
