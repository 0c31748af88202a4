"""Terraform, as the operator's tasks run it: found or downloaded, one environment at a time.

The code of `terraform/` is copied into the environment's state folder and run there, so that two
environments never share a `.terraform` folder, and so that an environment whose state is to stay on
this machine can have its backend overridden without a change in the checkout.
"""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from airaware.errors import AirAwareError
from tools.machine.environ import cache_folder

# The state's lock in S3 (use_lockfile) and the tests' mocks need this; the code itself needs 1.6.
OLDEST = (1, 10)
PINNED = "1.11.4"
PINNED_SHA256 = "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc"
DOWNLOAD = f"https://releases.hashicorp.com/terraform/{PINNED}/terraform_{PINNED}_linux_amd64.zip"
PROVIDERS = "registry.terraform.io"
# Where Terraform itself looks for a mirror of providers if no configuration says otherwise.
USUAL_MIRRORS = (
    Path.home() / ".terraform.d" / "plugins",
    Path.home() / ".local" / "share" / "terraform" / "plugins",
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
)
PARALLEL = 20  # the default of 10 waits more than it works
LINES_OF_AN_ERROR = 30


@dataclass(frozen=True)
class Plan:
    """What Terraform would change: `file` is what `apply` carries out."""

    file: Path
    # resource's address -> create, update, delete or replace
    changes: dict[str, str]
    # output's name -> create, update or delete
    outputs: dict[str, str]

    @property
    def counts(self) -> Counter[str]:
        """How many resources to create, update, replace and delete."""
        return Counter(self.changes.values())

    def __str__(self) -> str:
        """Return it in words: "2 to create", "no changes"."""
        words = [f"{count} to {action}" for action, count in sorted(self.counts.items())]
        return ", ".join(words) or "no changes"


class Terraform:
    """The environment `environment` of the Terraform code in `root`.

    `environ` is what Terraform's processes see (credentials, AWS_ENDPOINT_URL, TF_VAR_...);
    `mirror` names a folder of providers in Terraform's layout, `variants` further files of
    variables in env/, by name ("single"). All that Terraform writes lies in `state_folder`.
    `part` names a folder of the code that is a root of its own ("account").
    """

    def __init__(
        self,
        root: Path,
        environment: str,
        state_folder: Path,
        environ: Mapping[str, str],
        mirror: str | None = None,
        variants: tuple[str, ...] = (),
        part: str = "",
    ) -> None:
        """Make it; `init` gets it ready.

        Raises:
            AirAwareError: There is no file of variables for it.
        """
        self.root = root
        self.environment = environment
        self.folder = state_folder
        self.code = state_folder / "code"
        self.part = part
        self.plan_file = state_folder / "plan"
        self.mirror = mirror
        self._is_ready = False
        self._outputs: dict[str, Any] = {}
        self.var_files = tuple(f"env/{name}.tfvars" for name in (environment, *variants))
        self.environ = {
            **environ,
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(state_folder / "terraform.rc"),
            "TF_DATA_DIR": str(state_folder / "data"),
        }
        for name in self.var_files:
            file = root / part / name
            if not file.is_file():
                known = ", ".join(sorted(path.stem for path in file.parent.glob("*.tfvars")))
                raise AirAwareError(f"There is no {file}. Known are: {known}")

    def init(self) -> None:
        """Copy the code, and get its providers and its state's place ready, once.

        Each time would take seconds: Terraform reads the whole provider for its checksum.
        """
        if not self._is_ready:
            self._copy_code()
            self._run("init", "-no-color", "-reconfigure", "-lockfile=readonly", *self._backend())
            self._is_ready = True

    def check(self) -> None:
        """Raise AirAwareError unless this machine has Terraform, and its providers can be had."""
        self._copy_code()
        self._run("init", "-no-color", "-backend=false", "-lockfile=readonly")

    def _copy_code(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _copy(self.root, self.code)
        Path(self.environ["TF_CLI_CONFIG_FILE"]).write_text(cli_configuration(self.mirror))

    def _backend(self) -> tuple[str, ...]:
        """Return init's options: state in S3 where the environment has a file for it, else here."""
        in_s3 = f"env/{self.environment}.s3.tfbackend"
        if (self.root / self.part / in_s3).is_file():
            return (f"-backend-config={in_s3}",)
        local = {"terraform": {"backend": {"local": {"path": str(self.folder / "state.json")}}}}
        (self.code / self.part / "backend_override.tf.json").write_text(json.dumps(local))
        return ()

    def plan(
        self,
        destroy: bool = False,
        replace: str = "",
        variables: Mapping[str, str] | None = None,
        refresh: bool = True,
    ) -> Plan:
        """Compare the code with the world; changes nothing. `replace`: a resource to make anew.

        Without `refresh` the world is taken to be as the state has it: right after an apply.
        """
        events = self._follow(
            *("plan", f"-out={self.plan_file}", *self._choices(variables or {}, refresh)),
            *(("-destroy",) if destroy else ()),
            *((f"-replace={replace}",) if replace else ()),
        )
        changes = {
            each["change"]["resource"]["addr"]: each["change"]["action"]
            for each in events
            if each["type"] == "planned_change"
        }
        outputs = {
            name: output["action"]
            for each in events
            if each["type"] == "outputs"
            for name, output in each["outputs"].items()
        }
        return Plan(self.plan_file, _that_change(changes), _that_change(outputs))

    def _choices(self, variables: Mapping[str, str], refresh: bool) -> tuple[str, ...]:
        return (
            f"-refresh={str(refresh).lower()}",
            *(f"-var-file={name}" for name in self.var_files),
            *(f"-var={name}={value}" for name, value in variables.items()),
        )

    def content(self, plan: Plan) -> dict[str, Any]:
        """Return all of a plan, as `terraform show -json` has it; takes some seconds."""
        content: dict[str, Any] = json.loads(self._run("show", "-json", str(plan.file)))
        return content

    def apply(self, progress: Callable[[str], object]) -> None:
        """Carry out the last plan. Each resource that is begun or done is a line for `progress`.

        What a failed run had made already is in the state: plan and apply again.
        """
        self._outputs = {}
        self._follow("apply", str(self.plan_file), progress=progress)

    def change(
        self,
        progress: Callable[[str], object],
        variables: Mapping[str, str] | None = None,
        refresh: bool = True,
    ) -> None:
        """Plan and apply in one go, where nobody is to agree.

        Terraform then starts its provider once less: 5 s of CPU time.
        """
        self._outputs = {}
        choices = self._choices(variables or {}, refresh)
        self._follow("apply", "-auto-approve", *choices, progress=progress)

    def destroy(self, progress: Callable[[str], object]) -> None:
        """Plan and carry out the removal of all that is in the state."""
        self.plan(destroy=True)
        self.apply(progress)

    def outputs(self) -> dict[str, Any]:
        """Return the values of outputs.tf after the last apply; empty before the first.

        Read once until the next apply: `terraform output` takes a second of CPU time.
        """
        if not self.code.exists():  # another operator's machine has applied so far
            self.init()
        if not self._outputs:
            outputs = json.loads(self._run("output", "-json"))
            self._outputs = {name: each["value"] for name, each in outputs.items()}
        return self._outputs

    @functools.cached_property
    def binary(self) -> Path:
        """The program, downloaded where the machine has none that is new enough."""
        return find_binary(self.environ)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.binary), f"-chdir={self.code / self.part}", *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise self._failed(arguments[0], done.stderr)
        return done.stdout

    def _follow(
        self, action: str, *arguments: str, progress: Callable[[str], object] = lambda _: None
    ) -> list[dict[str, Any]]:
        """Run an action that says as lines of JSON what it does, and return these.

        Each resource that is begun or done is a line for `progress`. Raises AirAwareError with what
        it says of errors.
        """
        command = (str(self.binary), f"-chdir={self.code / self.part}", action, "-json")
        events: list[dict[str, Any]] = []
        errors: deque[str] = deque(maxlen=LINES_OF_AN_ERROR)
        with subprocess.Popen(
            [*command, f"-parallelism={PARALLEL}", *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    event = json.loads(line)
                except ValueError:
                    errors.append(line.rstrip())
                    continue
                events.append(event)
                errors.extend(_error(event))
                if event["type"] in ("apply_start", "apply_complete"):
                    progress(event["@message"])
        if process.returncode != 0:
            raise self._failed(action, "\n".join(errors))
        return events

    def _failed(self, action: str, text: str) -> AirAwareError:
        lines = text.strip().splitlines()
        end = "\n".join(lines[-LINES_OF_AN_ERROR:])
        return AirAwareError(
            f"terraform {action} failed for {self.environment}. The end of what it said:\n\n"
            f"{end}\n\n{_advice(action, text)}"
        )


def _that_change(actions: Mapping[str, str]) -> dict[str, str]:
    """Leave out what stays as it is, and mere reads."""
    return {name: action for name, action in actions.items() if action not in ("noop", "read")}


def _error(event: Mapping[str, Any]) -> list[str]:
    """Return the lines of an event that is an error; none of any other."""
    problem = event.get("diagnostic", {})
    if problem.get("severity") != "error":
        return []
    where = f"{problem['address']}: " if problem.get("address") else ""
    return [f"{where}{problem['summary']}", *problem.get("detail", "").splitlines()]


def _advice(action: str, text: str) -> str:
    if re.search(r"No valid credential|ExpiredToken|InvalidClientTokenId", text):
        return (
            "Give AWS credentials that are valid (`aws sso login`, or AWS_PROFILE), and try again."
        )
    if re.search(r"Error acquiring the state lock", text):
        return "Another run holds the state. Wait for it, or see `terraform force-unlock`."
    if action == "init":
        return (
            "Without a way to the registry, name a folder of providers: AIRAWARE_TERRAFORM_MIRROR."
        )
    if action == "apply":
        return "What was made is in the state: mend the cause, and run the same again."
    return "Mend the cause, and run the same again."


def _copy(root: Path, code: Path) -> None:
    """Make `code` equal to the Terraform code in `root`."""
    shutil.rmtree(code, ignore_errors=True)
    shutil.copytree(
        root, code, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "*_override.tf*")
    )


def cli_configuration(mirror: str | None) -> str:
    """Terraform's own configuration: providers come from the mirror, if any, else by download.

    Raises AirAwareError where `mirror` names no such folder.
    """
    if mirror and not (Path(mirror) / PROVIDERS).is_dir():
        raise AirAwareError(
            f"AIRAWARE_TERRAFORM_MIRROR: {mirror} has no folder {PROVIDERS}; make one with "
            "`terraform providers mirror`, or unset it"
        )
    usual = (str(path) for path in USUAL_MIRRORS if (path / PROVIDERS).is_dir())
    folder = mirror or next(usual, None)
    if not folder:
        return "provider_installation {\n  direct {}\n}\n"
    # Asked for a provider by two ways, Terraform fails where one of them does: the mirror's are not
    # to be asked of the registry.
    there = json.dumps(
        [
            f"{PROVIDERS}/{path.parent.name}/{path.name}"
            for path in Path(folder, PROVIDERS).glob("*/*")
        ]
    )
    return (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path = {json.dumps(str(Path(folder).absolute()))}\n"
        f"    include = {there}\n  }}\n"
        f"  direct {{\n    exclude = {there}\n  }}\n}}\n"
    )


def find_binary(environ: Mapping[str, str]) -> Path:
    """Return the machine's Terraform if it is new enough, else the pinned one, downloaded once."""
    found = shutil.which("terraform", path=environ.get("PATH"))
    if found and _version(found) >= OLDEST:
        return Path(found)
    kept = cache_folder(environ) / f"terraform-{PINNED}"
    if not kept.is_file():
        _download(kept)
    return kept


def _version(terraform: str) -> tuple[int, ...]:
    """Major and minor number; (0,) where it reports none."""
    said = subprocess.run(
        [terraform, "version", "-json"],
        capture_output=True,
        text=True,
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
    ).stdout
    found = re.search(r'"terraform_version": *"(\d+)\.(\d+)', said)
    return tuple(int(number) for number in found.groups()) if found else (0,)


def _download(kept: Path) -> None:
    """Bring the pinned Terraform from HashiCorp to `kept`, whole and checked, or not at all."""
    hint = f"install Terraform {OLDEST[0]}.{OLDEST[1]} or newer your own way"
    try:
        answer = requests.get(DOWNLOAD, timeout=60)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise AirAwareError(
            f"Terraform is missing, and {DOWNLOAD} failed: {error}; {hint}"
        ) from None
    if (digest := hashlib.sha256(answer.content).hexdigest()) != PINNED_SHA256:
        raise AirAwareError(f"{DOWNLOAD} has the wrong checksum, {digest}: not installed; {hint}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        archive = Path(folder) / "terraform.zip"
        archive.write_bytes(answer.content)
        with zipfile.ZipFile(archive) as content:
            unpacked = Path(content.extract("terraform", folder))
        unpacked.chmod(0o755)
        unpacked.rename(kept)
