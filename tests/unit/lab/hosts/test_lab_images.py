"""The cache of image layers, without building any."""

import os
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.lab.commands import run
from tools.lab.hosts import images


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


@pytest.mark.usefixtures("cache")
def test_a_layer_that_is_gone_is_told() -> None:
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


def test_apt_finds_a_repositorys_packages(tmp_path: Path) -> None:
    """By apt itself, as a host does; the index is one that we write."""
    repository, control = tmp_path / images.REPOSITORY_FOLDER, tmp_path / "made" / "DEBIAN"
    repository.mkdir()
    control.mkdir(parents=True)
    for version in ("1.0", "2:1.1~x"):
        (control / "control").write_text(
            f"Package: airaware-test\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: AirAware <airaware@example.com>\nDescription: a test\n"
        )
        name = f"airaware-test_{version.replace(':', '.')}_all.deb"
        run("dpkg-deb", "--build", "--root-owner-group", control.parent, repository / name)
    (repository / "Packages").write_text(images._index(repository))

    for folder in ("lists/partial", "archives/partial", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sources.list").write_text(
        f"deb [trusted=yes] file://{tmp_path} {images.REPOSITORY_FOLDER}/\n"
    )
    (tmp_path / "status").touch()
    (tmp_path / "apt.conf").write_text(
        f"""Dir::Etc "{tmp_path}/etc"; Dir::Etc::sourcelist "{tmp_path}/sources.list";
        Dir::State::lists "{tmp_path}/lists"; Dir::State::status "{tmp_path}/status";
        Dir::Cache "{tmp_path}"; APT::Sandbox::User "root";"""
    )
    environ = os.environ | {"APT_CONFIG": str(tmp_path / "apt.conf")}
    run("apt-get", "-q", "update", env=environ)
    found = run("apt-get", "-q", "install", "--print-uris", "airaware-test", env=environ)
    # The newer version, at its address.
    assert f"file:{repository}/airaware-test_2.1.1%7ex_all.deb' airaware-test_2%3a1.1~x" in found
