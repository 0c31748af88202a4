"""The READMEs of the Terraform modules say what the modules take and give."""

import shutil
import subprocess
from pathlib import Path

import pytest

TERRAFORM = Path(__file__).parents[2] / "terraform"
MODULES = sorted(path.parent for path in TERRAFORM.glob("modules/*/main.tf"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_has_a_readme_that_terraform_docs_would_not_change(module: Path) -> None:
    assert "<!-- BEGIN_TF_DOCS -->" in (module / "README.md").read_text()
    program = shutil.which("terraform-docs")
    if program is None:
        pytest.skip("terraform-docs is not there")
    done = subprocess.run(
        [program, "-c", TERRAFORM / ".terraform-docs.yml", "--output-check", module],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
