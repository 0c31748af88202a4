"""The control repository: every role compiles everywhere, and nothing in it asks for mending."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import connections
import one_more_role
import pytest
import yaml

from tools.machine import vendor_modules
from tools.region import roles

CHECKOUT = Path(__file__).parents[2]
SPEC = Path(__file__).parent / "spec"
ENVIRONMENTS = sorted(path.stem for path in (CHECKOUT / "hieradata" / "env").glob("*.yaml"))
PARTS = ("environment.conf", "hiera.yaml", "hieradata", "manifests", "modules")

pytestmark = pytest.mark.skipif(
    shutil.which("puppet") is None, reason="Puppet is not there: tools/setup.sh tests installs it"
)


def run(*command: str | Path, cwd: Path = CHECKOUT, **environ: str) -> str:
    """What a command says; the test fails where the command does."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def sources(*patterns: str) -> list[Path]:
    return sorted(
        path
        for pattern in patterns
        for folder in ("modules", "manifests")
        for path in (CHECKOUT / folder).rglob(pattern)
    )


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The control repository as a release has it."""
    vendor_modules.fill()
    folder = tmp_path_factory.mktemp("puppet") / "production"
    folder.mkdir()
    for part in (*PARTS, "vendor_modules"):
        (folder / part).symlink_to(CHECKOUT / part)
    # The data of a release are one file more.
    (folder / "hieradata").unlink()
    shutil.copytree(CHECKOUT / "hieradata", folder / "hieradata")
    (folder / "hieradata" / "release.yaml").write_text("airaware::version: '0123456'\n")
    return folder


def test_roles(environment: Path) -> None:
    run(
        *("rspec", "--default-path", SPEC, "--pattern", "**/*_spec.rb"),
        PUPPET_ENVIRONMENT_FOLDER=str(environment),
        MAX_CONNECTIONS=str(connections.of_web_hosts() + connections.of_others()),
        WEB_PROCESSES=f"--workers {connections.WORKERS} --threads {connections.THREADS} ",
    )


def test_one_more_role_compiles_and_is_measured(environment: Path, tmp_path: Path) -> None:
    more = tmp_path / "production"
    shutil.copytree(environment, more)
    one_more_role.add(more, "modules", "hieradata")
    said = run(
        *("rspec", "--default-path", SPEC, SPEC / "roles_spec.rb"),
        *(f"--example=as {role} in lab on Debian" for role in ("cache", "monitoring")),
        PUPPET_ENVIRONMENT_FOLDER=str(more),
    )
    assert "2 examples, 0 failures" in said


def test_what_terraform_knows_of_a_region_comes_first(environment: Path, tmp_path: Path) -> None:
    """A release writes it; our own data guess at two zones."""
    release, zones = tmp_path / "production", "airaware::settings::zones"
    shutil.copytree(environment, release, symlinks=True)
    (release / "scripts").symlink_to(CHECKOUT / "scripts")
    databases = {"us-west-2c": "database-c.lab.airaware.internal"}
    (release / "hieradata" / "region.yaml").write_text(json.dumps({zones: databases}))
    (tmp_path / "facts.yaml").write_text("kernel: Linux\n")
    folders = ("--environmentpath", tmp_path, "--vardir", tmp_path / "var")
    words = ("--render-as", "json", "--node", "host", "--facts", tmp_path / "facts.yaml")
    assert json.loads(run("puppet", "lookup", *folders, *words, zones)) == databases


def test_reports_name_the_release(environment: Path) -> None:
    assert run("scripts/config_version.sh", environment) == "0123456\n"
    assert run("scripts/config_version.sh", CHECKOUT) == run("git", "rev-parse", "HEAD")


def test_manifests_and_templates_parse() -> None:
    run("puppet", "parser", "validate", *sources("*.pp"))
    run("puppet", "epp", "validate", *sources("*.epp"))


def test_style() -> None:
    said = run("puppet-lint", "--fail-on-warnings", "--no-140chars-check", *sources("*.pp"))
    assert said == ""


def test_everything_is_documented(tmp_path: Path) -> None:
    # puppet-strings keeps its own folder beside what it reads.
    for folder in ("modules", "manifests"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    patterns = ["modules/*/manifests/**/*.pp", "modules/*/lib/puppet/functions/**/*.rb"]
    said = run(
        *("puppet", "strings", "generate", "--format", "json", "--out", tmp_path / "all.json"),
        *patterns,
        cwd=tmp_path,
    )
    assert "warn" not in said.lower()
    documented = json.loads((tmp_path / "all.json").read_text())
    classes = documented["puppet_classes"] + documented["defined_types"]
    assert len(classes) == len(list((CHECKOUT / "modules").rglob("*.pp")))
    for each in classes:
        tags = each["docstring"].get("tags", [])
        assert "summary" in {tag["tag_name"] for tag in tags}, each["name"]
        # A parameter that nobody describes has a tag without text.
        silent = [tag["name"] for tag in tags if tag["tag_name"] == "param" and not tag.get("text")]
        assert silent == [], each["name"]


def test_references_are_fresh(tmp_path: Path) -> None:
    run("tools/reference.sh", tmp_path)
    for module in sorted(path.name for path in (CHECKOUT / "modules").iterdir()):
        kept, made = (
            folder / module / "REFERENCE.md" for folder in (CHECKOUT / "modules", tmp_path)
        )
        assert kept.read_text() == made.read_text(), "renew it: tools/reference.sh"


def test_data_are_mappings() -> None:
    files = sorted((CHECKOUT / "hieradata").rglob("*.yaml"))
    assert files
    for path in [*files, *sources("*.yaml"), CHECKOUT / "hiera.yaml"]:
        assert isinstance(yaml.safe_load(path.read_text()), dict), path


def test_every_role_of_the_fleet_is_there() -> None:
    """The roles that Terraform tags hosts with are those that Puppet knows, and the reverse."""
    known = {path.stem for path in (CHECKOUT / "modules" / "role" / "manifests").glob("*.pp")}
    assert set(roles.ROLES) == known


def test_ports_are_those_that_terraform_opens() -> None:
    flows = (CHECKOUT / "terraform" / "flows.tf").read_text()
    opened = {name: int(port) for name, port in re.findall(r"^    (\w+) += (\d+)$", flows, re.M)}
    data: dict = {}
    for path in [
        CHECKOUT / "hieradata" / "common.yaml",
        *(CHECKOUT / "hieradata" / "role").iterdir(),
    ]:
        data |= yaml.safe_load(path.read_text())
    common = yaml.safe_load((CHECKOUT / "hieradata" / "common.yaml").read_text())
    spark = common["spark::defaults"]
    assert {
        "web": data["profile::web_proxy::port"],
        "spark_master": data["spark::master::port"],
        "spark_master_ui": data["spark::master::ui_port"],
        "spark_worker": data["spark::worker::port"],
        "spark_worker_ui": data["spark::worker::ui_port"],
        "spark_driver": spark["spark.driver.port"],
        "spark_blocks": spark["spark.blockManager.port"],
        "spark_driver_ui": spark["spark.ui.port"],
    }.items() <= opened.items()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_web_hosts_keep_connections_longer_than_the_balancer_does(environment: str) -> None:
    """Who is asked must not close first: a request that meets the close gets a 502."""
    hiera = [
        CHECKOUT / "hieradata" / f"{name}.yaml"
        for name in (f"env/{environment}/web", "role/web", f"env/{environment}", "common")
    ]
    kept = [yaml.safe_load(path.read_text()) for path in hiera if path.exists()]
    name = "profile::web_proxy::keepalive_seconds"
    seconds = next(data[name] for data in kept if name in data)
    terraform = CHECKOUT / "terraform"
    ours = (terraform / "env" / f"{environment}.tfvars").read_text()
    default = (terraform / "variables.tf").read_text().partition('"balancer_idle_seconds"')[2]
    idle = re.search(r"^balancer_idle_seconds *= (\d+)", ours, re.M) or re.search(
        r"^  default *= (\d+)", default, re.M
    )
    assert idle is not None
    assert seconds >= int(idle[1]) + 10
