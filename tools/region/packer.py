"""Builds a machine image with Packer."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from airaware.errors import AirAwareError
from tools.machine import vendor_modules
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import Step, console
from tools.region import ami, roles
from tools.region.clients import client
from tools.region.interface import Region

TEMPLATES = CHECKOUT / "packer"
VERSIONS = TEMPLATES / "versions.auto.pkrvars.json"
WITH_PLUGINS = (1, 7)  # and without any of its own
# Packer looks every 2 s whether an image is there, for half an hour; and asks nobody for news.
ENVIRON = {
    "AWS_POLL_DELAY_SECONDS": "2",
    "AWS_MAX_ATTEMPTS": "900",
    "CHECKPOINT_DISABLE": "1",
}
STOP_SECONDS = 120  # Packer's own clean-up
LINES_OF_AN_ERROR = 30


class Place(Protocol):
    """The fleet, as far as it matters here."""

    environment: str
    region: Region

    def hiera_data(self, version: str, **more: Any) -> dict[str, str]:
        """Return the files of Hiera's data that a release adds: name -> text."""
        ...


def steps(place: Place, published: Callable[[], str]) -> Iterator[Step]:
    """Build the image where there is none of today's inputs.

    `published` returns the version of a release that the bucket has. Raises AirAwareError
    before anything starts if the base image or the template is wrong.
    """
    build = Build(place)
    if build.leftovers():
        yield Step("remove what an interrupted build left", build.remove_leftovers)
    if not build.is_wanted():
        return
    build.check()
    yield Step("build the image of all hosts", lambda: build.run(published()))


class Build:
    """Builds of one environment from a checkout, by the Packer of this machine."""

    def __init__(self, fleet: Place, checkout: Path = CHECKOUT) -> None:
        """Make it; nothing is built yet."""
        self.fleet = fleet
        self.checkout = checkout
        self.environ = fleet.region.environ()
        self.mark = f"airaware-{fleet.environment}"  # the tag Builder of all that a build makes

    def is_wanted(self) -> bool:
        """Whether the environment lacks an image of today's inputs."""
        found = ami.there(self.fleet.environment, self.environ)
        return not ami.is_current(ami.newest(found), self.fleet.environment, self.checkout)

    def check(self) -> None:
        """Raise AirAwareError where Packer, the base image or the template is wrong."""
        if not shutil.which("packer"):
            raise AirAwareError("Packer is missing: apt-get install packer, or install it your way")
        vendor_modules.fill()
        with self.work_folder({}) as folder:
            self.packer("validate", self.variables(self._published(), {}, folder))

    def run(self, version: str) -> None:
        """Build the image, with that release in it. Interrupted or failed, it leaves nothing."""
        data = self.fleet.hiera_data(version, **{"airaware::extras": roles.extras()})
        source = self._published()
        try:
            with self.fleet.region.packer() as way, self.work_folder(data) as folder:
                self.packer("build", self.variables(source, way, folder), "-color=false")
        finally:
            self.remove_leftovers()

    def leftovers(self) -> list[str]:
        """Return the ids of what builds have left: hosts, key pairs, images that are not whole."""
        return [*self._builders(), *self._keys(), *(each["ImageId"] for each in self._halves())]

    def remove_leftovers(self) -> None:
        """Remove all that a build makes, but whole images."""
        ec2 = client("ec2", self.environ)
        if builders := self._builders():
            ec2.terminate_instances(InstanceIds=builders)
        for key in self._keys():
            ec2.delete_key_pair(KeyName=key)
        for half in self._halves():
            ec2.deregister_image(ImageId=half["ImageId"])
            for disk in half.get("BlockDeviceMappings", ()):
                if snapshot := disk.get("Ebs", {}).get("SnapshotId"):
                    ec2.delete_snapshot(SnapshotId=snapshot)

    def _builders(self) -> list[str]:
        states = ["pending", "running", "stopping", "stopped"]
        found = client("ec2", self.environ).describe_instances(
            Filters=[
                {"Name": "tag:Builder", "Values": [self.mark]},
                {"Name": "instance-state-name", "Values": states},
            ]
        )
        return [
            instance["InstanceId"]
            for reservation in found["Reservations"]
            for instance in reservation["Instances"]
        ]

    def _keys(self) -> list[str]:
        found = client("ec2", self.environ).describe_key_pairs()["KeyPairs"]
        return [key["KeyName"] for key in found if key["KeyName"] == f"{self.mark}-image"]

    def _halves(self) -> list[dict[str, Any]]:
        """Images of a build's name without its tags: Packer tags what is whole."""
        found = client("ec2", self.environ).describe_images(
            Owners=["self"], Filters=[{"Name": "name", "Values": [f"{self.mark}-*"]}]
        )["Images"]
        return [
            image
            for image in found
            if "Digest" not in {tag["Key"] for tag in image.get("Tags", ())}
        ]

    def _published(self) -> str:
        """Return the distribution's image, which ours is built on."""
        chosen = settings(self.fleet.environment)
        system = chosen["system_images"][chosen["system"]]
        return ami.published(system["owner"], system["name"], self.environ)

    def variables(self, source: str, way: Mapping[str, str], folder: Path) -> dict[str, str]:
        """Return the template's variables; `source` is the base image, `way` leads to a builder."""
        built = datetime.now(UTC)
        return {
            "environment": self.fleet.environment,
            "source_image": source,
            "name": f"{self.mark}-{built:%Y%m%dT%H%M%S}",
            "commit": commit(),
            "digest": ami.digest(self.fleet.environment, self.checkout),
            "built": built.isoformat(timespec="seconds"),
            "hieradata": str(folder / "hieradata"),
            "manifest": str(folder / "manifest.json"),
            "checkout": str(self.checkout),
            **way,
        }

    def packer(self, action: str, variables: Mapping[str, str], *options: str) -> None:
        """Run Packer, its output line by line. Raises AirAwareError with the end of it."""
        template = Path(variables["manifest"]).parent / "template"
        words = [f"-var={name}={value}" for name, value in variables.items()]
        own = TEMPLATES / "env" / f"{self.fleet.environment}.pkrvars.json"
        words += [f"-var-file={own}"] if own.exists() else []
        lines: list[str] = []
        process = subprocess.Popen(
            ["packer", action, *options, *words, str(template)],
            env=os.environ | dict(self.environ) | ENVIRON,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is passed on, once
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                if action == "build":
                    console.print(line.rstrip(), markup=False)
            status = process.wait()
        except KeyboardInterrupt:
            # The process that was started only watches over the one that works.
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            raise AirAwareError("Interrupted: the image was not built") from None
        if status != 0:
            end = "\n".join(lines[-LINES_OF_AN_ERROR:])
            raise AirAwareError(f"packer {action} failed with status {status}:\n{end}")

    @contextmanager
    def work_folder(self, hiera_data: Mapping[str, str]) -> Iterator[Path]:
        """Yield a build's own folder: the template, and Hiera's data with a release's files."""
        with tempfile.TemporaryDirectory(prefix="airaware-image-") as name:
            folder, source = Path(name), self.checkout / "packer"
            shutil.copytree(self.checkout / "hieradata", folder / "hieradata")
            for name, text in hiera_data.items():
                (folder / name).write_text(text)
            (folder / "template").mkdir()
            newer = source.glob("today/*.pkr.hcl") if version() >= WITH_PLUGINS else ()
            for path in (*source.glob("*.pkr.hcl"), source / VERSIONS.name, *newer):
                shutil.copy(path, folder / "template")
            yield folder


def packages(environment: str) -> dict[str, str]:
    """Return what images have installed: package -> beginning of its version."""
    return {**settings(environment)["packages"], **roles.packages()}


def settings(environment: str) -> dict[str, Any]:
    """Return what images are made of: the versions file, and what the environment has otherwise."""
    own = TEMPLATES / "env" / f"{environment}.pkrvars.json"
    files = (VERSIONS, own) if own.exists() else (VERSIONS,)
    return {key: value for file in files for key, value in json.loads(file.read_text()).items()}


def version() -> tuple[int, ...]:
    """Packer's own, as numbers."""
    said = subprocess.run(["packer", "--version"], capture_output=True, text=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3])


def commit() -> str:
    """Return the checkout's commit, with a plus where it has changes of its own."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", CHECKOUT, *words], capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
