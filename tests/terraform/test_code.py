"""The Terraform code by itself: its form, its own tests, and what checkov says of it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import one_more_role
import pytest

from airaware import settings
from tests.terraform.conftest import CHECKOUT, ROOT
from tools.region.terraform import Terraform

CHECKOV = CHECKOUT / "build" / "checkov" / "bin" / "checkov"


def run(terraform: Terraform, *arguments: str, code: Path | None = None) -> str:
    done = subprocess.run(
        [terraform.binary, f"-chdir={code or terraform.code}", *arguments, "-no-color"],
        env=terraform.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_code_is_formatted(initialised: Terraform) -> None:
    run(initialised, "fmt", "-check", "-diff", "-recursive")


@pytest.mark.parametrize("part", ["", "account"])
def test_the_code_is_valid_and_names_nothing_deprecated(
    initialised: Terraform, part: str, tmp_path: Path
) -> None:
    terraform = initialised
    if part:
        mirror = settings.read().terraform_mirror
        terraform = Terraform(ROOT, "lab", tmp_path, os.environ, mirror, part=part)
        terraform.check()
    report = json.loads(run(terraform, "validate", "-json", code=terraform.code / part))
    assert report["valid"]
    assert [each["summary"] for each in report["diagnostics"]] == []


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "tests").glob("*.hcl")))
def test_its_own_tests_pass(initialised: Terraform, file: str) -> None:
    run(initialised, "test", f"-filter=tests/{file}")


@pytest.mark.parametrize("files", [["staging"], ["production"], ["production", "single"]])
def test_checkov_fails_nothing(files: list[str]) -> None:
    if not CHECKOV.exists():
        pytest.skip(f"{CHECKOV} is not there: tools/setup.sh tests")
    done = subprocess.run(
        [
            str(CHECKOV),
            "-d",
            str(ROOT),
            "--framework",
            "terraform",
            "--skip-download",
            "--output",
            "json",
        ]
        + [f"--var-file={ROOT / 'env' / name}.tfvars" for name in files],
        env=os.environ | {"LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    # It reads no roles.yaml: a module that is made for each host or role counts once.
    assert report["summary"]["passed"] > 60, report["summary"]
    assert report["summary"]["parsing_errors"] == 0
    failed = report["results"]["failed_checks"]
    assert [f"{each['check_id']} {each['resource']}" for each in failed] == []
    skipped = report["results"]["skipped_checks"]
    assert all(each["check_result"]["suppress_comment"] for each in skipped)


def test_a_role_is_one_entry_and_its_flows(initialised: Terraform, tmp_path: Path) -> None:
    code = tmp_path / "terraform"
    shutil.copytree(initialised.code, code, symlinks=True)
    one_more_role.add(tmp_path, "terraform")
    test = shutil.copy(Path(__file__).with_name("one_more_role.tftest.hcl"), code / "tests")
    run(initialised, "test", f"-filter=tests/{Path(test).name}", code=code)


def test_nothing_tells_the_lab_from_aws() -> None:
    for path in Path(ROOT).rglob("*.tf"):
        text = path.read_text()
        assert "endpoints {" not in text, path
        assert "skip_" not in text, path
        assert '"lab"' not in text, path
