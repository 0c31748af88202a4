"""What a release is called, what of it is uploaded, and which one a fleet goes back to."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from airaware.errors import AirAwareError
from tools.region import roles
from tools.rollout import release

BUCKET = "epa-data"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, in place of this one."""
    for name, value in {"NAME": "A", "EMAIL": "a@example.com"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.setattr(release, "CHECKOUT", folder)
    (folder / ".gitignore").write_text("build\n")
    (folder / "code").write_text("one\n")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "One")
    return folder


def git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=release.CHECKOUT,  # type: ignore[attr-defined]  # the test's own
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    (checkout / "build").write_text("ignored")
    assert release.version() == git("rev-parse", "HEAD")[:12]


def test_changes_make_another_version_and_the_same_ones_the_same(checkout: Path) -> None:
    clean = release.version()
    (checkout / "code").write_text("two\n")
    changed = release.version()
    (checkout / "new").write_text("untracked files count\n")
    with_new = release.version()
    assert len({clean, changed, with_new}) == 3
    assert release.version() == with_new
    # The person's own index is as it was.
    assert git("status", "--porcelain") == "M code\n?? new"
    (checkout / "new").unlink()
    assert release.version() == changed
    (checkout / "code").write_text("one\n")
    assert release.version() == clean


def test_without_git_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "CHECKOUT", tmp_path)
    with pytest.raises(AirAwareError, match="git read-tree HEAD failed"):
        release.version()


@pytest.fixture
def s3() -> Iterator[Any]:
    """A region with the fleet's bucket."""
    with mock_aws():
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("s3", region_name="us-east-1", **credentials)
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def made(tmp_path: Path) -> release.Release:
    """A release of two small files that needs one wheel."""
    folder, wheels = tmp_path / "release", tmp_path / "wheels"
    for path, text in {
        folder / "puppet.tar.gz": "puppet",
        folder / "wheels.json": "{}",
        wheels / "numpy-2-py3-none-any.whl": "numpy",
        wheels / "wheels.json": "{}",
    }.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return release.Release("0123456789ab", folder, wheels)


def keys(s3: Any) -> set[str]:
    return {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def test_it_is_published_once(s3: Any, made: release.Release) -> None:
    lines: list[str] = []
    release.publish(s3, BUCKET, made, lines.append, has_image=False)
    release.publish(s3, BUCKET, made, lines.append, has_image=False)
    assert keys(s3) == {
        "releases/0123456789ab/puppet.tar.gz",
        "releases/0123456789ab/wheels.json",
        "releases/wheels/numpy-2-py3-none-any.whl",
    }
    assert lines == ["uploading 3 files, 0 MB", "uploading 0 files, 0 MB"]


def test_what_was_broken_off_is_written_again(s3: Any, made: release.Release) -> None:
    release.publish(s3, BUCKET, made, print, has_image=False)
    key = "releases/wheels/numpy-2-py3-none-any.whl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"nu")
    release.publish(s3, BUCKET, made, print, has_image=False)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"numpy"


def test_packages_come_with_their_index(s3: Any, made: release.Release, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "chrony_4.3_amd64.deb").write_text("deb")
    (packages / "Packages").write_text("Package: chrony\n")
    release.publish(s3, BUCKET, made, print, has_image=False, packages=packages)
    assert {"packages/chrony_4.3_amd64.deb", "packages/Packages"} <= keys(s3)


def test_a_bucket_that_is_missing_is_an_error(s3: Any, made: release.Release) -> None:
    with pytest.raises(s3.exceptions.NoSuchBucket):
        release.publish(s3, "no-such-bucket", made, print, has_image=False)


def test_hosts_get_the_locked_versions_with_their_checksums() -> None:
    lines = release.locked({"numpy", "pyspark", "cffi"}).splitlines()
    heads = [line.split("==")[0] for line in lines if line[0] != " "]
    assert sorted(heads) == ["cffi", "numpy", "pyspark"]
    assert all(line.startswith("    --hash=sha256:") for line in lines if line[0] == " ")
    assert len(lines) > 30


def test_all_that_a_role_needs_is_locked() -> None:
    for extra in roles.extras():
        for name in release.needed([extra]):
            assert release.locked({name}), f"{name}, of {extra}: tools/lock.sh"


def test_what_setup_cfg_names_is_needed_whatever_was_installed(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n    h3\n[options.extras_require]\nweb =\n    Flask\n"
    )
    assert {"h3", "flask", "werkzeug"} <= release.needed(["web"], tmp_path)
    assert "pyspark" not in release.needed(["web"], tmp_path)


def test_hosts_install_what_their_roles_name() -> None:
    extras = roles.extras()
    assert {"web", "batch", "fleet"} <= set(extras)
    assert len(extras) == len(set(extras))


def roll_out(s3: Any, version: str, fails: bool = False) -> None:
    release.begin(s3, BUCKET, version)
    if not fails:
        release.settle(s3, BUCKET, version)


def test_a_fleet_without_a_release_has_none_to_go_back_to(s3: Any) -> None:
    assert release.marked(s3, BUCKET, release.CURRENT) is None
    assert release.to_go_back_to(s3, BUCKET) is None
    roll_out(s3, "first")
    assert release.to_go_back_to(s3, BUCKET) is None


def test_going_back_and_forth(s3: Any) -> None:
    roll_out(s3, "first")
    roll_out(s3, "second")
    roll_out(s3, "second")
    assert release.to_go_back_to(s3, BUCKET) == "first"
    roll_out(s3, "first")
    assert release.marked(s3, BUCKET, release.CURRENT) == "first"
    assert release.to_go_back_to(s3, BUCKET) == "second"


def test_after_a_bad_release_a_fleet_goes_back_to_the_one_it_was_at(s3: Any) -> None:
    roll_out(s3, "first")
    roll_out(s3, "second")
    roll_out(s3, "bad", fails=True)
    assert release.to_go_back_to(s3, BUCKET) == "second"
    roll_out(s3, "second")
    assert release.to_go_back_to(s3, BUCKET) == "first"
