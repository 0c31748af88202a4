"""What Puppet starts on a host needs no more than the extras that the host's role installs."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from tools.rollout.release import needed

CHECKOUT = Path(__file__).parents[2]
# Module -> the role whose hosts run it; that of all hosts is shown by the role with the least.
PROGRAMS = {
    "airaware.job.submit": "spark_worker",
    "airaware.host.cpu": "web",
    "airaware.host.metrics": "database",
    "airaware.host.watchdog": "web",
    "airaware.store.backup": "database",
    "airaware.store.schema": "database",
    "airaware.store.verify": "database",
    "airaware.web": "web",
    "airaware.host.autosign": "puppet",
    "airaware.host.cleancerts": "puppet",
    "airaware.host.dashboards.panels": "monitoring",
    "airaware.host.dashboards.serve": "monitoring",
    "airaware.host.scaling": "monitoring",
}
# A package that is not there is not found, be it asked for at need or on trial.
WITHOUT = """
import sys
class Missing:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing)
"""


@pytest.mark.parametrize(("module", "role"), PROGRAMS.items())
def test_a_program_imports_only_what_its_host_has(module: str, role: str) -> None:
    data = yaml.safe_load((CHECKOUT / f"hieradata/role/{role}.yaml").read_text())
    there = needed(data["airaware::extras"]) | {"airaware"}
    lacking = [
        name
        for name, distributions in packages_distributions().items()
        if there.isdisjoint(map(canonicalize_name, distributions))
    ]
    done = subprocess.run(
        [sys.executable, "-c", f"{WITHOUT}\nimport {module}", *lacking],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_program_of_a_host_is_tried() -> None:
    texts = [path.read_text() for path in CHECKOUT.glob("modules/*/[mt]*/**/*.[pe]p*")]
    named = {
        name for text in texts for name in re.findall(r"-m ((?:airaware|tools)[a-z_.]+)", text)
    }
    assert named
    assert named <= set(PROGRAMS)
