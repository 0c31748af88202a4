"""A release: all that a fleet's hosts install, made from this checkout and put into its bucket.

    releases/VERSION/puppet.tar.gz  this repository as a Puppet environment, with vendor_modules
    releases/VERSION/NAME.whl       the airaware package, with the site's bundle
    releases/VERSION/wheels.json    extra -> names of the wheels that it needs; pip -> pip's own
    releases/wheels/NAME.whl        those wheels; releases share them
    releases/current, previous      the versions that the fleet is at, and was at before
    releases/begun                  the version that was last rolled out, to the end or not
    packages/                       an apt repository, where hosts have no way to mirrors

Nothing that is there already, of the same size, is written again.
"""

import configparser
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from airaware.errors import AirAwareError
from tools.machine import vendor_modules
from tools.machine.checkout import CHECKOUT
from tools.machine.environ import cache_folder
from tools.region import roles

PUPPET = (
    *("environment.conf", "hiera.yaml", "hieradata", "manifests", "modules", "scripts"),
    "vendor_modules",
)
# Where setup puts bundles, and what of the checkout no host installs.
BUNDLES = ("airaware/web/static/build", "airaware/host/dashboards/build")
NOT_ON_HOSTS = ("docs/", "tests/", "terraform/", "tools/")
CURRENT, PREVIOUS, BEGUN = "releases/current", "releases/previous", "releases/begun"
# Files of requirements/ with what hosts may install.
LOCKS = ("build", "built", "site", "development")
KEPT_WHEELHOUSES = 3
DIGITS = 12
PUPPET_ARCHIVE = "puppet.tar.gz"


@dataclass(frozen=True)
class Release:
    """A version of everything; `folder` is laid out as the bucket's releases/VERSION."""

    version: str
    folder: Path
    wheels: Path


def version() -> str:
    """Return the checkout's commit, or a digest of all files (Git's tree) where some differ."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": f"{folder}/index"}
        _git("read-tree", "HEAD", **index)
        _git("add", "--all", **index)
        tree = _git("write-tree", **index)
    same = tree == _git("rev-parse", "HEAD^{tree}")
    return (_git("rev-parse", "HEAD") if same else tree)[:DIGITS]


def hiera_data(version: str, region_data: dict[str, Any]) -> dict[str, str]:
    """Return the Hiera data that no checkout has, as files by their path in one."""
    return {
        # JSON is YAML. Quoted, as a version may be all digits.
        "hieradata/region.yaml": json.dumps(region_data),
        "hieradata/release.yaml": f"airaware::version: '{version}'\n",
    }


@contextmanager
def made(region_data: dict[str, Any], progress: Callable[[str], None]) -> Iterator[Release]:
    """Build this checkout's release, and yield it for as long as the context lasts.

    `region_data` is the Hiera data that only Terraform knows.

    Raises:
        AirAwareError: A part of it cannot be had.
    """
    progress(vendor_modules.fill())
    with tempfile.TemporaryDirectory(prefix="airaware-release-") as temporary:
        name, folder = version(), Path(temporary) / "release"
        folder.mkdir()
        source = _exported(Path(temporary) / "source")
        wheels = _wheelhouse(source, progress)
        _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
        shutil.copy(wheels / "wheels.json", folder)
        _pack_puppet(folder / PUPPET_ARCHIVE, name, region_data)
        yield Release(name, folder, wheels)


def publish(
    s3: Any,
    bucket: str,
    release: Release,
    progress: Callable[[str], None],
    *,
    has_image: bool,
    packages: Path | None = None,
) -> None:
    """Put the release into the bucket, and an apt repository beside it where there is one.

    Where hosts have an image of the same wheels (`has_image`), they fetch none but pip's.
    """
    wheels = release.wheels.glob("pip-*.whl" if has_image else "*.whl")
    files = [(path, f"releases/wheels/{path.name}") for path in wheels]
    files += [
        (path, f"releases/{release.version}/{path.name}") for path in release.folder.iterdir()
    ]
    if packages:
        # The index last: what it names is there.
        debs = [(path, f"packages/{path.name}") for path in packages.glob("*.deb")]
        files += [*debs, (packages / "Packages", "packages/Packages")]
    there = _sizes(s3, bucket)
    new = [(path, key) for path, key in files if there.get(key) != path.stat().st_size]
    size = sum(path.stat().st_size for path, _ in new)
    progress(f"uploading {len(new)} files, {size / 1e6:.0f} MB")
    for path, key in new:
        s3.upload_file(str(path), bucket, key)


def marked(s3: Any, bucket: str, mark: str) -> str | None:
    """Return the version that is CURRENT, PREVIOUS or BEGUN; None where there is none yet."""
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=mark)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    return body.decode().strip()


def offer(s3: Any, bucket: str, version: str) -> None:
    """Set this release as the current one of a fleet that has none yet; its hosts wait for that."""
    if not marked(s3, bucket, CURRENT):
        _mark(s3, bucket, CURRENT, version)


def begin(s3: Any, bucket: str, version: str) -> None:
    """Record that hosts get this version from now on."""
    _mark(s3, bucket, BEGUN, version)


def settle(s3: Any, bucket: str, version: str) -> None:
    """Record that all hosts have this version; a new Puppet master starts with it."""
    current = marked(s3, bucket, CURRENT)
    if current and current != version:
        _mark(s3, bucket, PREVIOUS, current)
    _mark(s3, bucket, CURRENT, version)


def to_go_back_to(s3: Any, bucket: str) -> str | None:
    """Return the version before the one rolled out last; None where there is none.

    A version that stopped at a host never became CURRENT: that is still the version before it.
    """
    current = marked(s3, bucket, CURRENT)
    return current if marked(s3, bucket, BEGUN) != current else marked(s3, bucket, PREVIOUS)


def files(s3: Any, bucket: str, version: str) -> list[str]:
    """Return the names of a release's own files."""
    prefix = f"releases/{version}/"
    return [key.removeprefix(prefix) for key in _sizes(s3, bucket) if key.startswith(prefix)]


def _mark(s3: Any, bucket: str, mark: str, version: str) -> None:
    s3.put_object(Bucket=bucket, Key=mark, Body=f"{version}\n".encode())


def _sizes(s3: Any, bucket: str) -> dict[str, int]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", ())}


def _exported(folder: Path) -> Path:
    """Copy the sources of the hosts' package into `folder`, without a build's leftovers."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in [*filter(None, listed.split("\0")), *_bundles()]:
        if (CHECKOUT / name).is_file() and not name.startswith(NOT_ON_HOSTS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    return folder


def _bundles() -> list[str]:
    """Return the files that setup bundles for browsers: the package has them, Git does not.

    Raises:
        AirAwareError: A bundle is missing.
    """
    found = {folder: sorted((CHECKOUT / folder).glob("*")) for folder in BUNDLES}
    if missing := [folder for folder, files in found.items() if not files]:
        raise AirAwareError(f"{' and '.join(missing)}: the bundle is missing. Make it: make setup")
    return [str(path.relative_to(CHECKOUT)) for files in found.values() for path in files]


def _wheelhouse(source: Path, progress: Callable[[str], None]) -> Path:
    """Return the folder with all wheels that the extras need, from the cache or made now."""
    locks = (f"requirements/{name}.txt" for name in LOCKS)
    inputs = [(source / name).read_bytes() for name in ("setup.cfg", *locks)]
    inputs += [" ".join(roles.extras()).encode(), sys.version.encode()]
    digest = hashlib.sha256(b"\0".join(inputs)).hexdigest()[:DIGITS]
    cache = cache_folder() / "wheels"
    folder = cache / f"{platform.machine()}-{digest}"
    if not folder.is_dir():
        progress("collecting the hosts' Python packages (a minute or two)")
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=cache, prefix=".new-"))
        try:
            _collect_wheels(source, unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    os.utime(folder)
    for old in sorted(cache.glob("*-*"), key=os.path.getmtime, reverse=True)[KEPT_WHEELHOUSES:]:
        shutil.rmtree(old)
    return folder


def needed(own_extras: Iterable[str], source: Path = CHECKOUT) -> set[str]:
    """Return the names of all distributions that these extras of our package need.

    Our own requirements come from setup.cfg, because the installed metadata may be older. Those of
    other packages come from what is installed here: setup installs all extras.
    """
    config = configparser.ConfigParser()
    config.read(source / "setup.cfg")
    of_extra = config["options.extras_require"]
    texts = (config["options"]["install_requires"], *(of_extra[extra] for extra in own_extras))
    found: set[str] = set()
    for line in "\n".join(texts).split("\n"):
        if line.strip():
            found |= _with_dependencies(Requirement(line))
    return found


def _with_dependencies(requirement: Requirement) -> set[str]:
    found: set[str] = {canonicalize_name(requirement.name)}
    for line in requires(requirement.name) or ():
        wanted = Requirement(line)
        chosen = [{"extra": extra} for extra in requirement.extras or {""}]
        meant = not wanted.marker or any(wanted.marker.evaluate(each) for each in chosen)
        if meant and canonicalize_name(wanted.name) not in found:
            found |= _with_dependencies(wanted)
    return found


def locked(names: set[str], source: Path = CHECKOUT) -> str:
    """Return the lines of the lock files, with versions and checksums, for these distributions."""
    text = "".join((source / "requirements" / f"{name}.txt").read_text() for name in LOCKS)
    entries = re.findall(r"^([a-z0-9.-]+)==((?:.*\\\n)*.*)$", text, re.MULTILINE)
    return "".join(f"{name}=={rest}\n" for name, rest in entries if name in names)


def _collect_wheels(source: Path, folder: Path) -> None:
    of_extra = {extra: needed([extra], source) for extra in roles.extras()}
    of_extra["pip"] = {"pip"}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
        lock.write(locked(set().union(*of_extra.values()), source))
        lock.flush()
        _pip(
            *("wheel", "--require-hashes", "--no-deps", "--no-build-isolation"),
            *("--wheel-dir", folder, "--requirement", lock.name),
        )
    wheels = {str(parse_wheel_filename(path.name)[0]): path.name for path in folder.glob("*.whl")}
    names = {
        extra: sorted(wheels[name] for name in distributions)
        for extra, distributions in of_extra.items()
    }
    (folder / "wheels.json").write_text(json.dumps(names, indent=1))


def _pack_puppet(archive: Path, version: str, region_data: dict[str, Any]) -> None:
    """Pack this repository as a Puppet environment; the same files make the same content."""
    with tarfile.open(archive, "w:gz") as tar:
        for name in PUPPET:
            tar.add(CHECKOUT / name, name)
        for name, text in hiera_data(version, region_data).items():
            _add(tar, name, text)


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text.encode()), 0o644
    tar.addfile(entry, io.BytesIO(text.encode()))


def _pip(*words: object) -> str:
    return _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words)


def _git(*words: str, **environ: str) -> str:
    return _run("git", *words, environ=environ).strip()


def _run(*command: object, environ: dict[str, str] | None = None) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=CHECKOUT, env=os.environ | (environ or {}), capture_output=True, text=True
    )
    if done.returncode:
        raise AirAwareError(f"{' '.join(words)} failed:\n{done.stderr[-3000:]}")
    return done.stdout
