"""What the metadata of our own Puppet modules say holds of their code, and of the Puppetfile."""

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from tools.machine import vendor_modules
from tools.machine.checkout import CHECKOUT

OWN = sorted(path for path in (CHECKOUT / "modules").iterdir() if path.is_dir())
PINNED = vendor_modules.pinned(CHECKOUT / "Puppetfile")
# Resource types and functions that do not have their module's name in front.
BARE = {"ini_setting": "inifile", "file_line": "stdlib"}
USE = re.compile(rf"\b(?:({'|'.join(BARE)})|([A-Za-z]\w*)::)")


def metadata(module: Path) -> dict[str, Any]:
    described = json.loads((module / "metadata.json").read_text())
    assert isinstance(described, dict)
    return described


def version() -> str:
    config = configparser.ConfigParser()
    config.read(CHECKOUT / "setup.cfg")
    return config["metadata"]["version"]


@pytest.mark.parametrize("module", OWN, ids=lambda module: module.name)
def test_a_module_names_exactly_the_modules_that_it_uses(module: Path) -> None:
    there = {name.partition("-")[2]: name for name in PINNED}
    there |= {each.name: f"airaware-{each.name}" for each in OWN}
    code = "\n".join(path.read_text() for path in (module / "manifests").rglob("*.pp"))
    code = re.sub(r"#.*|'[^']*'", "", code)
    used = {BARE.get(bare) or prefix.lower() for bare, prefix in USE.findall(code)}
    named = {each["name"].replace("/", "-") for each in metadata(module)["dependencies"]}
    assert named == {there[name] for name in used & there.keys() - {module.name}}


@pytest.mark.parametrize("module", OWN, ids=lambda module: module.name)
def test_a_module_has_the_projects_version_and_takes_what_is_pinned(module: Path) -> None:
    described = metadata(module)
    assert (described["name"], described["version"], described["license"]) == (
        f"airaware-{module.name}",
        version(),
        "MIT",
    )
    versions = PINNED | {f"airaware-{each.name}": version() for each in OWN}
    for each in described["dependencies"]:
        allowed = SpecifierSet(each["version_requirement"].replace(" <", ",<"))
        assert versions[each["name"].replace("/", "-")] in allowed, each
