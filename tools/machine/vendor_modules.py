"""Fills vendor_modules/ with the Puppet modules that the Puppetfile names.

    python -m tools.machine.vendor_modules

They come from the Forge, by r10k. Where r10k is missing or the Forge cannot be reached, Debian's
packages of the same modules take their place, and it is said which versions differ.
"""

import fcntl
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from airaware.errors import AirAwareError
from tools.machine.checkout import CHECKOUT

DEBIAN_MODULES = Path("/usr/share/puppet/modules.available")
# Debian's packages that have a module under the name of an earlier author.
DEBIAN_NAMES = {"puppet-systemd": "camptocamp-systemd"}
# What only Debian's older versions need.
DEBIAN_ONLY = ("puppetlabs-translate",)
FORGE_SECONDS = 120


def pinned(puppetfile: Path) -> dict[str, str]:
    """Return module (AUTHOR-NAME) -> version, as the Puppetfile says."""
    return dict(re.findall(r"^mod '([\w-]+)', '([\d.]+)'$", puppetfile.read_text(), re.MULTILINE))


def installed(folder: Path) -> dict[str, str]:
    """Return module (AUTHOR-NAME) -> version of the modules in a folder."""
    described = [json.loads(path.read_text()) for path in sorted(folder.glob("*/metadata.json"))]
    return {each["name"].replace("/", "-"): each["version"] for each in described}


def fill(checkout: Path = CHECKOUT) -> str:
    """Fill the checkout's vendor_modules/ where it is not full; return where from, in words.

    Raises AirAwareError where neither the Forge nor Debian's packages have all modules.
    """
    with (checkout / "Puppetfile").open() as puppetfile:
        fcntl.flock(puppetfile, fcntl.LOCK_EX)  # two tests or deployments may fill it at once
        return _fill(checkout)


def _fill(checkout: Path) -> str:
    wanted, folder = pinned(checkout / "Puppetfile"), checkout / "vendor_modules"
    if wanted.items() <= installed(folder).items():
        return "vendor_modules: as the Puppetfile says"
    (checkout / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=checkout / "build", prefix="vendor_modules-") as temporary:
        new = Path(temporary, "new")
        if _from_forge(checkout, new):
            said = ["vendor_modules: from the Forge, as the Puppetfile says"]
        else:
            _from_debian(wanted, new)
            said = ["vendor_modules: the Forge is out of reach; Debian's packages have"]
        # Puppet may be reading the modules that are there: leave them where they are the same.
        if installed(new) != installed(folder):
            if folder.exists():
                folder.rename(Path(temporary, "old"))
            new.rename(folder)
    there = {DEBIAN_NAMES.get(name, name): version for name, version in wanted.items()}
    differing = [
        f"  {name} {version}, where the Puppetfile says {there[name]}"
        for name, version in installed(folder).items()
        if name in there and version != there[name]
    ]
    return "\n".join([*said, *differing])


def _from_forge(checkout: Path, new: Path) -> bool:
    r10k = shutil.which("r10k")
    if r10k is None:
        return False
    try:
        done = subprocess.run(
            [r10k, "puppetfile", "install", "--force", "--moduledir", new],
            cwd=checkout,
            capture_output=True,
            timeout=FORGE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode:
        shutil.rmtree(new, ignore_errors=True)
        return False
    return True


def _from_debian(wanted: Mapping[str, str], new: Path) -> None:
    packages = {DEBIAN_NAMES.get(name, name) for name in wanted}
    missing = [name for name in sorted(packages) if not (DEBIAN_MODULES / name).is_dir()]
    if missing:
        raise AirAwareError(
            "vendor_modules: the Forge is out of reach (by r10k), and Debian's packages are"
            f" missing: apt-get install {' '.join(f'puppet-module-{name}' for name in missing)}"
        )
    for name in sorted(packages.union(DEBIAN_ONLY)):
        if (DEBIAN_MODULES / name).is_dir():
            shutil.copytree(DEBIAN_MODULES / name, new / name.partition("-")[2])


if __name__ == "__main__":
    try:
        print(fill())
    except AirAwareError as error:
        sys.exit(str(error))
