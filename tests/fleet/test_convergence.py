"""Puppet: every host is what its role says, stays so or becomes so again, and keeps its secrets."""

import json
import re
import statistics
import time
from pathlib import Path

import hands
import pytest
from fleets import Fab
from hands import READ_MASTERS_LOG, current, everywhere, on, one, ran_first, said
from wait import until

from tools.environments.fleet import Fleet
from tools.fleet.agents import SUMMARY
from tools.fleet.hosts import Host

pytestmark = pytest.mark.usefixtures("steady_web")

AGENT = "puppet agent --test --color false --waitforlock 2 --maxwaitforlock 600"
CHANGED = 2
HALF_WAY_SECONDS = 3
CONVERGED_SECONDS = 900
AGENTS_SECONDS = 1800  # profile::agent::settings, runinterval
COMPILED = re.compile(r"Compiled catalog for (\S+) in environment \S+ in ([\d.]+) seconds")
WHEELS = "releases/wheels/"

# Of each role: a file, a service and a package that Puppet keeps, and a test may spoil.
KEPT = {
    "puppet": ("/usr/local/sbin/airaware-autosign", "airaware-clean-certificates.timer"),
    "database": ("/etc/default/prometheus-postgres-exporter", "prometheus-postgres-exporter"),
    "spark_master": ("/etc/spark/spark-defaults.conf", "spark-master"),
    "spark_worker": ("/etc/spark/spark-env.sh", "spark-worker"),
    "controller": ("/etc/airaware/settings", "prometheus-node-exporter"),
    "web": ("/etc/systemd/system/airaware-first-boot.service", "airaware-cpu-metric"),
    "monitoring": ("/etc/prometheus/prometheus.yml", "prometheus"),
}
PACKAGE = "chrony"

# Where a password may lie in clear, for those alone who need it.
PASSWORD_FILES = {"/etc/airaware/passwords"}
SEARCHED = "/etc /root /run /tmp /usr/local /var"


def test_every_host_has_run_the_release_without_a_failure(lab: Fleet) -> None:
    config, version = lab.ssh_config(), current(lab)
    # The newest web host may be in its first run.
    for host in lab.hosts():
        until(lambda host=host: ran_first(config, host), f"{host.name} has run", CONVERGED_SECONDS)
    summaries = everywhere(lab.hosts(), lambda host: said(config, host, f"cat {SUMMARY}"))
    for host, summary in summaries.items():
        assert version in summary, f"{host.name}:\n{summary}"
        assert "failed: 0" in summary, f"{host.name}:\n{summary}"


def test_the_bucket_has_what_hosts_install(lab: Fleet) -> None:
    s3, version = lab.client("s3"), current(lab)
    answer = s3.get_object(Bucket=lab.bucket, Key=f"releases/{version}/wheels.json")
    needed = json.load(answer["Body"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=lab.bucket, Prefix=WHEELS)
    there = {each["Key"].removeprefix(WHEELS) for page in pages for each in page["Contents"]}
    assert set().union(*needed.values()) <= there
    config, web = lab.ssh_config(), one(lab, "web")
    installed = said(config, web, "ls /opt/airaware/current/venv/lib/python3*/site-packages")
    assert "flask" in installed.split()


@pytest.mark.slow
def test_a_second_run_changes_nothing(lab: Fleet) -> None:
    config, seconds = lab.ssh_config(), {}
    for host in lab.hosts():
        started = time.monotonic()
        done = on(config, host, f"{AGENT} --detailed-exitcodes")
        seconds[host.name] = time.monotonic() - started
        assert done.returncode == 0, f"{host.name}:\n{done.stdout}{done.stderr}"
    print("seconds of a run without changes:")
    print(", ".join(f"{name} {took:.1f}" for name, took in seconds.items()))
    print(f"median {statistics.median(seconds.values()):.1f}")


def test_the_master_tells_how_long_its_catalogs_take(lab: Fleet) -> None:
    log = said(lab.ssh_config(), one(lab, "puppet"), READ_MASTERS_LOG)
    took = [(name, float(seconds)) for name, seconds in COMPILED.findall(log)]
    assert {name.partition(".")[0] for name, _ in took} >= {"puppet", "database-a", "controller"}
    print("seconds of compiling, the last of each host:", dict(took))
    median = statistics.median(seconds for _, seconds in took)
    print(f"median {median:.2f}: one at a time, {AGENTS_SECONDS / median:.0f} hosts in 30 minutes")


def spoil(config: Path, host: Host) -> str:
    """Spoil what KEPT names; the file's text as it was."""
    path, service = KEPT[host.role]
    before = said(config, host, f"cat {path}")
    said(
        config,
        host,
        f"echo '# spoilt' >>{path}; systemctl stop {service}"
        f"; DEBIAN_FRONTEND=noninteractive apt-get -q -y purge {PACKAGE}",
    )
    return before


@pytest.mark.slow
def test_what_is_spoilt_comes_back_with_the_next_run(lab: Fleet) -> None:
    """On one host of each role; the other zone's web host and database serve meanwhile."""
    config = lab.ssh_config()

    def comes_back(host: Host) -> None:
        path, service = KEPT[host.role]
        state = f"cat {path}; systemctl is-active {service}; dpkg --status {PACKAGE} | grep ^Status"
        before = spoil(config, host)
        spoilt = on(config, host, state).stdout
        assert "# spoilt" in spoilt
        assert "inactive" in spoilt
        assert "install ok" not in spoilt
        done = on(config, host, AGENT)
        # 0: the host's regular run, which this one waited for, has done it.
        assert done.returncode in (0, CHANGED), f"{host.name}:\n{done.stdout}{done.stderr}"
        after = said(config, host, state)
        assert after == f"{before}active\nStatus: install ok installed\n", host.name

    everywhere([one(lab, role) for role in KEPT], comes_back)


@pytest.mark.slow
def test_a_run_that_was_killed_is_made_good_by_the_next(lab: Fleet) -> None:
    config, host = lab.ssh_config(), one(lab, "controller")
    before = spoil(config, host)
    # 137: killed, half-way.
    killed = on(config, host, f"timeout --signal KILL {HALF_WAY_SECONDS} {AGENT}")
    assert killed.returncode == 137, killed.stdout
    done = on(config, host, AGENT)
    assert done.returncode == CHANGED, done.stdout
    assert said(config, host, f"cat {KEPT['controller'][0]}") == before
    assert on(config, host, f"dpkg --status {PACKAGE}").returncode == 0


@pytest.mark.slow
def test_fab_puppet_shows_and_then_does(lab: Fleet, fab: Fab) -> None:
    config, (path, _) = lab.ssh_config(), KEPT["controller"]
    before = said(config, one(lab, "controller"), f"cat {path}")
    said(config, one(lab, "controller"), f"echo '# spoilt' >>{path}")
    shown = fab("puppet", "--host", "controller", "--noop", "--env", "lab")
    assert shown.returncode == 0
    assert "-# spoilt" in shown.stdout
    assert "# spoilt" in said(config, one(lab, "controller"), f"cat {path}")
    assert fab("puppet", "--host", "controller", "--env", "lab").returncode == 0
    assert said(config, one(lab, "controller"), f"cat {path}") == before
    unknown = fab("puppet", "--host", "nobody", "--env", "lab")
    assert unknown.returncode == 1
    assert "There is no host 'nobody'" in unknown.stderr


@pytest.fixture(scope="module")
def passwords(lab: Fleet) -> str:
    """All passwords, one a line, as `grep --file -` takes them."""
    values = set(hands.passwords(lab).values())
    assert len(values) == 2
    return "\n".join(sorted(values)) + "\n"


def test_no_password_is_where_it_does_not_belong(lab: Fleet, passwords: str) -> None:
    """Not in catalogs, reports, logs, the journal or the processes' list; nor on the master."""
    config = lab.ssh_config()
    grep = "grep --fixed-strings --file -"

    def look(host: Host) -> tuple[set[str], str, str]:
        files = on(
            config,
            host,
            f"{grep} --recursive --devices skip --files-with-matches --no-messages {SEARCHED}",
            passwords,
        ).stdout.splitlines()
        modes = "stat --format '%a %U' " + " ".join(PASSWORD_FILES & set(files) or ["/dev/null"])
        spoken = "cat >/run/sought; (journalctl --no-pager; ps axww -o args)"
        spoken += " | grep --fixed-strings --file /run/sought | cut -c 1-40; rm /run/sought"
        return set(files), said(config, host, modes), said(config, host, spoken, passwords)

    holders = set()
    for host, (files, modes, spoken) in everywhere(lab.hosts(), look).items():
        assert files <= PASSWORD_FILES, host.name
        assert spoken == "", host.name
        if files:
            holders.add(host.role)
            assert modes == "600 airaware\n", host.name
    assert holders == {"web", "database", "spark_worker", "controller"}


def test_no_password_is_with_the_operator(lab: Fleet, passwords: str) -> None:
    """Terraform's state, plans and what fab keeps of the fleet."""
    texts = [path.read_bytes() for path in lab.folder.rglob("*") if path.is_file()]
    assert texts
    for password in passwords.split():
        assert not any(password.encode() in text for text in texts)
