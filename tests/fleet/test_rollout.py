"""Releases, good and bad, reach a fleet that visitors are on; which needs no master to serve."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from fleets import DEPLOY_SECONDS, administrator
from hands import current, on, one, said
from visitors import healthy_targets
from wait import until

from tools.drill.visitors import coming
from tools.environments.fleet import Fleet
from tools.fleet.web_tier import Reason

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
VISITS_PER_SECOND = 50
SERVING_SECONDS = 180
# File, what it says, what it is to say.
GOOD = ("airaware/web/templates/base.html", "An estimate, not", "A good estimate, not")
BAD = ("airaware/web/ops.py", '"ready\\n", mimetype', '"ready\\n", status=500, mimetype')

Deploy = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, to be changed."""
    folder = tmp_path_factory.mktemp("clone") / "checkout"
    left = {".venv", ".airaware", "build", "node_modules"}
    tops = {str(CHECKOUT), str(CHECKOUT / "frontend")}
    shutil.copytree(
        CHECKOUT,
        folder,
        symlinks=True,
        ignore=lambda path, names: left & set(names) if path in tops else set(),
    )
    return folder


@pytest.fixture(scope="module")
def deploy(clone: Path, environ: dict[str, str]) -> Deploy:
    """`fab deploy` from the copy, onto the fleet of the tests."""

    def run() -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "fabric", "deploy", "--env", "lab"],
            cwd=clone,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEPLOY_SECONDS,
        )
        print(done.stdout, done.stderr, sep="\n")
        return done

    return run


def change(checkout: Path, name: str, old: str, new: str) -> None:
    text = (checkout / name).read_text()
    assert old in text
    (checkout / name).write_text(text.replace(old, new))


@contextmanager
def visited(lab: Fleet) -> Iterator[None]:
    """Visitors come all the while, and each must be answered; not by /readyz, which says no of a
    host that is about to stop."""
    site = lab.outputs()["site_url"]
    with coming(lab.region.outside(), site, VISITS_PER_SECOND, ("/", "/healthz")) as visitors:
        yield
    failed = [visit for visit in visitors.visits if not visit.ok]
    print(f"{len(visitors.visits)} visits, {len(failed)} without an answer")
    assert len(visitors.visits) > VISITS_PER_SECOND
    assert failed == []


def versions(lab: Fleet) -> dict[str, str]:
    """The release that each host runs, by the host's name."""
    config = lab.ssh_config()
    read = "basename $(readlink /opt/airaware/current || echo none)"
    return {host.name: said(config, host, read).strip() for host in lab.hosts()}


def test_a_good_change_reaches_every_host_and_no_visitor_notices(
    lab: Fleet, clone: Path, deploy: Deploy
) -> None:
    before = current(lab)
    change(clone, *GOOD)
    with visited(lab):
        done = deploy()
    assert done.returncode == 0, done.stderr
    assert current(lab) != before
    assert set(versions(lab).values()) - {"none"} == {current(lab)}
    assert GOOD[2] in requests.get(lab.urls()["site"], timeout=10).text


def test_a_bad_change_stops_at_one_host_and_is_taken_back(
    lab: Fleet, clone: Path, deploy: Deploy, fab: Callable
) -> None:
    good = current(lab)
    change(clone, *BAD)
    with visited(lab):
        done = deploy()
        assert done.returncode == 1
        reached = {name: version for name, version in versions(lab).items() if version != good}
        web = [host.name for host in lab.hosts() if host.role == "web"]
        (stopped_at,) = set(reached) & set(web)
        assert f"{stopped_at} is not healthy" in done.stderr
        assert "fab deploy --rollback" in done.stderr
        assert current(lab) == good

        started = time.monotonic()
        back = fab("deploy", "--rollback", "--env", "lab")
        print(f"fab deploy --rollback: {time.monotonic() - started:.0f} s")
        assert back.returncode == 0, back.stderr
    assert set(versions(lab).values()) - {"none"} == {good}


def test_a_web_host_boots_and_serves_without_the_master(lab: Fleet) -> None:
    config, master, host = lab.ssh_config(), one(lab, "puppet"), one(lab, "web")
    tier = lab.web_tier()
    said(config, master, "systemctl stop puppetserver")
    # Else the group would take the time of the boot for a sickness.
    tier.suspend(host.zone, Reason.DRILL, ["HealthCheck", "ReplaceUnhealthy"])
    try:
        administrator(lab, "ec2").reboot_instances(InstanceIds=[host.instance_id])
        until(lambda: host.instance_id not in healthy_targets(lab), "it is down", 60)
        until(lambda: host.instance_id in healthy_targets(lab), "in service", SERVING_SECONDS)
        failed = on(config, host, "puppet agent --test --color false")
        assert failed.returncode == 1
        assert "8140" in failed.stdout + failed.stderr
        assert host.instance_id in healthy_targets(lab)
    finally:
        tier.resume(host.zone, Reason.DRILL)
        said(config, master, "systemctl start puppetserver")
    caught_up = on(config, host, "puppet agent --test --color false --detailed-exitcodes")
    assert caught_up.returncode == 0, caught_up.stdout
