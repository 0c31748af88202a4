"""`fab images`: builds machine images with Packer, tells which there are, removes old ones."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fabric import Connection
from rich.table import Table

from airaware.errors import AirAwareError
from tools import ami, environments, vendor_modules
from tools.ami import BASE, CHECKOUT, ROLES
from tools.fleet import Fleet
from tools.hosts import client
from tools.operation import DRY_RUN_HELP, ENV_HELP, operation
from tools.region import Region
from tools.steps import Step, carry_out, console

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


@operation(
    help={
        "role": "build this role's image alone (and the base, where it is out of date)",
        "list": "show the images: age, size, commit, use",
        "prune": "delete those that are used by no launch template and no host, but for the newest",
        "env": ENV_HELP,
        "dry_run": DRY_RUN_HELP,
    },
)
def images(
    _: Connection,
    role: str = "",
    list: bool = False,  # noqa: A002 (the option's name)
    prune: bool = False,
    env: str = "",
    dry_run: bool = False,
) -> None:
    """Build the machine images that are out of date."""
    fleet = environments.fleet(env)
    if not fleet.region.is_up():
        raise AirAwareError(f"It is down: fab deploy --env {fleet.name}")
    if list:
        show(fleet)
    elif prune:
        carry_out(prune_steps(fleet), dry_run)
    else:
        carry_out(build_steps(fleet, role), dry_run)


def show(fleet: Fleet) -> None:
    """Print the environment's images."""
    environ = fleet.region.environ()
    found, used, now = ami.there(fleet.environment, environ), ami.uses(environ), _now()
    newest = {image.id for image in ami.newest(found).values()}
    table = Table("role", "image", "age", "GB", "commit", "used by", "state")
    for image in sorted(found, key=lambda image: (image.role, now - image.built)):
        current = image.digest == ami.digest(image.role, fleet.environment)
        state = "old" if image.id not in newest else "current" if current else "out of date"
        table.add_row(
            *(image.role, image.id, _age((now - image.built).total_seconds())),
            *(str(image.gigabytes), image.commit, used.of(image)),
            "rejected" if image.rejected else state,
        )
    console.print(table)


def prune_steps(fleet: Fleet) -> Iterator[Step]:
    """What deletes the images that nobody needs."""
    environ = fleet.region.environ()
    found = ami.there(fleet.environment, environ)
    for image in ami.unused(found, ami.uses(environ)):
        yield Step(f"delete {image.name} ({image.id})", partial(ami.delete, image, environ))


def build_steps(fleet: Fleet, role: str = "") -> Iterator[Step]:
    """What builds the images that are out of date, or of them the role's and its base.

    Whatever can be told beforehand, a role, a base or a template that is wrong, is told before
    anything starts. Raises AirAwareError.
    """
    if role:
        ami.digest(role, fleet.environment)
    found = ami.there(fleet.environment, fleet.region.environ())
    wanted = [
        each for each in ami.outdated(found, fleet.environment) if not role or each in (BASE, role)
    ]
    build = Build(fleet)
    if wanted:
        build.check(wanted)
    if build.leftovers():
        yield Step("remove what an interrupted build left", build.remove_leftovers)
    if wanted:
        # As a host gets it later, so that its first run finds nothing to change.
        yield Step(
            "make and publish this checkout's release",
            lambda: build.hiera_data.update(fleet.hiera_data(fleet.publish())),
        )
    for each in wanted:
        yield Step(f"build the image of {each}", partial(build.run, each))


class Place(Protocol):
    """The fleet, as far as it matters here."""

    environment: str
    region: Region


class Build:
    """Builds of one environment from a checkout, by the Packer of this machine."""

    def __init__(self, fleet: Place, checkout: Path = CHECKOUT) -> None:
        self.fleet = fleet
        self.checkout = checkout
        self.environ = fleet.region.environ()
        self.mark = f"airaware-{fleet.environment}"  # the tag Builder of all that a build makes
        self.hiera_data: dict[str, str] = {}  # what only a release has, as files by their path

    def check(self, roles: list[str]) -> None:
        """Raises AirAwareError where Packer, the base image or the template is wrong."""
        if not shutil.which("packer"):
            raise AirAwareError("Packer is missing: apt-get install packer, or install it your way")
        vendor_modules.fill()
        with self.work_folder() as folder:
            for role in roles:
                self.packer("validate", self.variables(role, self._published(), {}, folder))

    def run(self, role: str) -> None:
        """Build the role's image. Interrupted or failed, it leaves nothing."""
        chosen = ami.newest(ami.there(self.fleet.environment, self.environ))
        if role == BASE:
            source = self._published()
        elif BASE in chosen:
            source = chosen[BASE].id
        else:
            raise AirAwareError("There is no base image: build it first, fab images --role base")
        try:
            with self.fleet.region.packer() as way, self.work_folder() as folder:
                self.packer("build", self.variables(role, source, way, folder), "-color=false")
        finally:
            self.remove_leftovers()

    def leftovers(self) -> list[str]:
        """The ids of what builds have left: hosts, key pairs, images that are not whole."""
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
        ours = {f"{self.mark}-image-{role}" for role in (BASE, *ROLES)}
        return [key["KeyName"] for key in found if key["KeyName"] in ours]

    def _halves(self) -> list[dict]:
        """Images of a build's name without its tags: Packer tags what is whole."""
        names = [f"{self.mark}-{role}-*" for role in (BASE, *ROLES)]
        found = client("ec2", self.environ).describe_images(
            Owners=["self"], Filters=[{"Name": "name", "Values": names}]
        )["Images"]
        return [
            image
            for image in found
            if "Digest" not in {tag["Key"] for tag in image.get("Tags", ())}
        ]

    def _published(self) -> str:
        """The distribution's image, which the base is built on."""
        chosen = settings(self.fleet.environment)
        system = chosen["system_images"][chosen["system"]]
        return ami.published(system["owner"], system["name"], self.environ)

    def variables(
        self, role: str, source: str, way: Mapping[str, str], folder: Path
    ) -> dict[str, str]:
        """What the template is told: the image `source` to build on, the way to the builder."""
        built = _now()
        return {
            "environment": self.fleet.environment,
            "role": role,
            "source_image": source,
            "name": f"{self.mark}-{role}-{built:%Y%m%dT%H%M%S}",
            "commit": commit(),
            "digest": ami.digest(role, self.fleet.environment, self.checkout),
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
    def work_folder(self) -> Iterator[Path]:
        """A build's own folder: the Hiera data that go into the image, and the template."""
        with tempfile.TemporaryDirectory(prefix="airaware-image-") as name:
            folder, source = Path(name), self.checkout / "packer"
            shutil.copytree(self.checkout / "hieradata", folder / "hieradata")
            for name, text in self.hiera_data.items():
                (folder / name).write_text(text)
            (folder / "template").mkdir()
            newer = source.glob("today/*.pkr.hcl") if version() >= WITH_PLUGINS else ()
            for path in (*source.glob("*.pkr.hcl"), source / VERSIONS.name, *newer):
                shutil.copy(path, folder / "template")
            yield folder


def settings(environment: str) -> dict[str, Any]:
    """What images are made of: the versions file, and what the environment has otherwise."""
    own = TEMPLATES / "env" / f"{environment}.pkrvars.json"
    return json.loads(VERSIONS.read_text()) | (json.loads(own.read_text()) if own.exists() else {})


def version() -> tuple[int, ...]:
    """Packer's own, as numbers."""
    said = subprocess.run(["packer", "--version"], capture_output=True, text=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3])


def commit() -> str:
    """The checkout's commit, with a plus where it has changes of its own."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", CHECKOUT, *words], capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _now() -> datetime:
    return datetime.now(UTC)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
