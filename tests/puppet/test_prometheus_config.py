"""What Puppet writes for Prometheus and Alertmanager is what they take."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from promtool import CHECKOUT, check, program

from tools.machine import vendor_modules

TEMPLATES = CHECKOUT / "modules" / "profile" / "templates"
FILES = CHECKOUT / "modules" / "profile" / "files" / "prometheus"

pytestmark = pytest.mark.skipif(
    shutil.which("puppet") is None, reason="Puppet is not there: tools/setup.sh tests installs it"
)


@pytest.fixture(scope="module", autouse=True)
def modules() -> None:
    vendor_modules.fill()


def data(environment: str) -> dict:
    """The role's data in an environment, with what they take from the certificate."""
    found: dict = {}
    for name in ("role", f"env/{environment}"):
        path = CHECKOUT / "hieradata" / name / "monitoring.yaml"
        if path.exists():
            text = path.read_text().replace("%{trusted.extensions.pp_environment}", environment)
            found |= yaml.safe_load(text.replace("%{lookup('airaware::region')}", "us-west-2"))
    return found


def rendered(template: str, profile: str, names: list[str], environment: str, to: Path) -> Path:
    """A template with its profile's data, as a file."""
    found = data(environment)
    values = {name: found.get(f"profile::{profile}::{name}") for name in names}
    arguments = json.dumps(values).replace(": null", ": undef").replace('": ', '" => ')
    done = subprocess.run(
        [
            *("puppet", "epp", "render", "--modulepath", "modules:vendor_modules"),
            *("--values", arguments, TEMPLATES / template),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    to.write_text(done.stdout)
    return to


@pytest.mark.parametrize("environment", ["lab", "production"])
def test_prometheus_takes_its_configuration(environment: str, tmp_path: Path) -> None:
    names = ["region", "endpoint", "environment", "jobs", "site", "services"]
    written = rendered(
        "prometheus.yml.epp", "prometheus", names, environment, tmp_path / "prometheus.yml"
    )
    accepted, output = check("promtool", "check", "config", "--syntax-only", written)
    assert accepted, output
    configuration = yaml.safe_load(written.read_text())
    jobs = {job["job_name"] for job in configuration["scrape_configs"]}
    assert {"node", "web", "postgres", "spark_master", "spark_worker", "site"} <= jobs
    assert ("balancer" in jobs) == (environment == "lab")


@pytest.mark.parametrize("environment", ["lab", "production"])
def test_alertmanager_takes_its_configuration(environment: str, tmp_path: Path) -> None:
    written = rendered(
        "alertmanager.yml.epp", "alertmanager", ["receivers"], environment, tmp_path / "a.yml"
    )
    accepted, output = check("amtool", "check-config", written)
    assert accepted, output
    for severity in ("page", "ticket", "note"):
        done = subprocess.run(
            [
                program("amtool"),
                *("config", "routes", "test", "--config.file", written, f"severity={severity}"),
            ],
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == severity


def test_the_probes_are_what_the_exporter_takes() -> None:
    accepted, output = check(
        "prometheus-blackbox-exporter", "--config.check", "--config.file", FILES / "blackbox.yml"
    )
    assert accepted, output


def test_ports_are_those_that_terraform_opens() -> None:
    flows = (CHECKOUT / "terraform" / "flows.tf").read_text()
    jobs = data("lab")["profile::prometheus::jobs"].values()
    services = data("lab")["profile::prometheus::services"].values()
    for each in [*jobs, *services]:
        assert f" = {each['port']}\n" in flows, each
