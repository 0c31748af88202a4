"""What watches the fleet sees all of it: targets, panels, an alert that is delivered, journals."""

import contextlib
import html
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from wait import until

from airaware.host.dashboards import page, panels
from airaware.host.prometheus import Prometheus
from tools.environments.fleet import Fleet
from tools.fleet import ssh
from tools.fleet.hosts import Host
from tools.region.clients import client
from tools.tasks import logs
from tools.tasks.dashboards import prometheus

RUNS_SECONDS = 300
JOBS = {"node", "web", "postgres", "spark_master", "spark_worker", "balancer", "site"}
PSQL = ["sudo", "-u", "postgres", "psql", "-q", "-d", "airaware", "-c"]
LOAD = """
    INSERT INTO load (parameter, year, attempt, input_name, input_sha256, code_version, synthetic,
        rows_read, excluded, rejected, rows_loaded, checksum, found_checksum, verified_at,
        started_at)
    VALUES (44201, 1984, 'a', 'a.zip', 'ab', '1', true, 1000, '{}', '{}', '{}', 7, 7, now(),
        now())
"""
# Keeps what Alertmanager sends, and where.
WEBHOOK = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("/tmp/alerts", "ab").write(self.path.encode() + b" " + body + b"\\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 9095), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def watching(fleet: Fleet) -> Iterator[Prometheus]:
    """The region's Prometheus, while the site has visitors."""
    stopping = threading.Event()

    def visit() -> None:
        while not stopping.wait(0.2):
            with contextlib.suppress(requests.RequestException):
                requests.get(f"{fleet.urls()['site']}/", timeout=5)

    visitors = threading.Thread(target=visit)
    visitors.start()
    try:
        with prometheus(fleet) as found:
            yield found
    finally:
        stopping.set()
        visitors.join()


@pytest.fixture
def loaded(fleet: Fleet) -> Iterator[None]:
    """A row of the manifest in each zone, of a year that no other test loads."""
    for host in fleet.hosts():
        if host.role == "database":
            ssh.run(fleet.ssh_config(), host.name, [*PSQL, LOAD])
    yield
    for host in fleet.hosts():
        if host.role == "database":
            ssh.run(fleet.ssh_config(), host.name, [*PSQL, "DELETE FROM load WHERE year = 1984"])


def monitoring_host(fleet: Fleet) -> Host:
    return next(host for host in fleet.hosts() if host.role == "monitoring")


def test_every_host_is_watched_in_every_part_that_it_has(
    fleet: Fleet, watching: Prometheus
) -> None:
    def silent() -> list[dict[str, str]]:
        return [
            found.labels
            for found in watching.query("up == 0")
            if found.labels["job"] != "spark_job"  # there while a job runs
        ]

    def watched() -> bool:
        hosts = {host.instance_id for host in fleet.hosts() if host.state == "running"}
        up = watching.query("up")
        instances = {found.labels.get("instance_id") for found in up} - {None}
        return instances == hosts and {found.labels["job"] for found in up} >= JOBS

    until(watched, "every host and every job is watched", RUNS_SECONDS, poll_seconds=2)
    until(lambda: not silent(), "every target answers", RUNS_SECONDS, poll_seconds=2)


def test_every_rule_is_evaluated(watching: Prometheus) -> None:
    rules = [rule for group in watching.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


@pytest.mark.usefixtures("loaded")
def test_every_query_of_every_panel_returns_data(watching: Prometheus) -> None:
    queries = page.queries(panels.all_of_them())
    missing: list[str] = []

    def all_there() -> bool:
        missing[:] = [title for title, expr in queries if not watching.query(expr)]
        return not missing

    try:
        until(all_there, "every panel has data", RUNS_SECONDS, poll_seconds=5)
    except AssertionError:
        raise AssertionError(f"no data: {missing}") from None


def test_the_page_is_served_on_the_forwarded_port(fleet: Fleet) -> None:
    text = html.unescape(requests.get(fleet.urls()["dashboards"], timeout=60).text)
    assert "This is not Grafana" in text
    for each in panels.all_of_them():
        for panel in each.panels or ():
            assert str(panel.title) in text


def test_an_alert_is_delivered(fleet: Fleet) -> None:
    config, host = fleet.ssh_config(), monitoring_host(fleet).name
    receive = ["sudo", "systemd-run", "--unit=alerts-of-the-test", "python3", "-c", WEBHOOK]
    ssh.run(config, host, ["sudo", "rm", "-f", "/tmp/alerts"])
    ssh.run(config, host, receive)
    try:
        fire = ["amtool", "alert", "add", "--alertmanager.url=http://127.0.0.1:9093"]
        ssh.run(config, host, [*fire, "OfTheTest", "severity=page", "zone=us-west-2a"])

        def delivered() -> bool:
            words = ["sh", "-c", "sudo cat /tmp/alerts 2>/dev/null || true"]
            told = ssh.run(config, host, words)
            return any(
                line.startswith("/page ") and "OfTheTest" in line for line in told.splitlines()
            )

        until(delivered, "the alert is at the webhook", 60, poll_seconds=1)
    finally:
        ssh.run(config, host, ["sudo", "systemctl", "stop", "alerts-of-the-test"])
        ssh.run(config, host, ["sudo", "rm", "-f", "/tmp/alerts"])


def test_the_journal_of_a_host_is_in_the_bucket_also_when_it_is_gone(fleet: Fleet) -> None:
    """Its last words are sent by the unit that stops after all others; then the host goes."""
    host = next(host for host in fleet.hosts() if host.role == "web" and host.state == "running")
    word = f"of-the-test-{time.time():.0f}"
    ssh.run(fleet.ssh_config(), host.name, ["logger", word])
    assert word in "\n".join(logs.of_host(fleet, host.name))

    ssh.run(fleet.ssh_config(), host.name, ["logger", f"{word}-last"])
    last = ["sudo", "systemctl", "stop", "airaware-journal-last.service"]
    ssh.run(fleet.ssh_config(), host.name, last)
    client("ec2", fleet.region.environ()).terminate_instances(InstanceIds=[host.instance_id])

    def replaced() -> bool:
        web = [each for each in fleet.hosts() if each.role == "web" and each.state == "running"]
        return len(web) >= 2 and host.instance_id not in {each.instance_id for each in web}

    until(replaced, "its group has replaced it", 120, poll_seconds=1)
    assert f"{word}-last" in "\n".join(logs.of_host(fleet, host.instance_id))
