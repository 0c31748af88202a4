"""What watches the fleet sees all of it: targets, panels, an alert that is delivered, journals."""

import threading
import time
from collections.abc import Iterator

import pytest
import requests
from fleets import Fab
from wait import until

from tools import prometheus, ssh
from tools.dashboards import page, panels
from tools.fleet import Fleet
from tools.hosts import Host, client
from tools.prometheus import Prometheus

RUNS_SECONDS = 300
JOBS = {"node", "web", "postgres", "spark_master", "spark_worker", "balancer", "site"}
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
def watching(lab: Fleet) -> Iterator[Prometheus]:
    """The region's Prometheus, while the site has visitors."""
    stopping = threading.Event()

    def visit() -> None:
        while not stopping.wait(0.2):
            try:
                requests.get(f"{lab.urls()['site']}/", timeout=5)
            except requests.RequestException:
                pass

    visitors = threading.Thread(target=visit)
    visitors.start()
    with prometheus.of(lab) as found:
        yield found
    stopping.set()
    visitors.join()


def monitoring_host(lab: Fleet) -> Host:
    return next(host for host in lab.hosts() if host.role == "monitoring")


def test_every_host_is_watched_in_every_part_that_it_has(lab: Fleet, watching: Prometheus) -> None:
    def silent() -> list[dict[str, str]]:
        return [
            found.labels
            for found in watching.query("up == 0")
            if found.labels["job"] != "spark_job"  # there while a job runs
        ]

    def watched() -> bool:
        hosts = {host.instance_id for host in lab.hosts() if host.state == "running"}
        up = watching.query("up")
        instances = {found.labels.get("instance_id") for found in up} - {None}
        return instances == hosts and {found.labels["job"] for found in up} >= JOBS

    until(watched, "every host and every job is watched", RUNS_SECONDS, poll_seconds=2)
    until(lambda: not silent(), "every target answers", RUNS_SECONDS, poll_seconds=2)


def test_every_rule_is_evaluated(watching: Prometheus) -> None:
    rules = [rule for group in watching.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def test_every_query_of_every_panel_returns_data(watching: Prometheus) -> None:
    queries = page.queries(panels.all_of_them())
    without: list[str] = []

    def all_there() -> bool:
        without[:] = [title for title, expr in queries if not watching.query(expr)]
        return without == [] or loads_alone(without)

    # Without a load there is no manifest to tell of, and the lab's tests need not have one.
    loads_alone = (lambda titles: False) if watching.query("airaware_load_rows") else of_loads
    try:
        until(all_there, "every panel has data", RUNS_SECONDS, poll_seconds=5)
    except AssertionError:
        raise AssertionError(f"no data: {without}") from None


def of_loads(titles: list[str]) -> bool:
    return all(title.startswith("AirAware: data:") for title in titles)


def test_the_page_is_served_on_the_forwarded_port(lab: Fleet) -> None:
    text = requests.get(lab.urls()["dashboards"], timeout=60).text
    assert "This is not Grafana" in text
    for each in panels.all_of_them():
        for panel in each.panels:
            assert panel.title in text


def test_an_alert_is_delivered(lab: Fleet) -> None:
    config, host = lab.ssh_config(), monitoring_host(lab).name
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


def test_the_journal_of_a_host_is_in_the_bucket_also_when_it_is_gone(lab: Fleet, fab: Fab) -> None:
    """The web tier replaces the host; its last words are those of its stop."""
    host = next(host for host in lab.hosts() if host.role == "web" and host.state == "running")
    word = f"of-the-test-{time.time():.0f}"
    ssh.run(lab.ssh_config(), host.name, ["logger", word])
    found = fab("logs", "--host", host.name, "--lines", "0", "--env", "lab")
    assert found.returncode == 0 and word in found.stdout

    ssh.run(lab.ssh_config(), host.name, ["logger", f"{word}-last"])
    client("ec2", lab.region.environ()).terminate_instances(InstanceIds=[host.instance_id])

    def has_last_words() -> bool:
        told = fab("logs", "--host", host.instance_id, "--lines", "0", "--env", "lab").stdout
        return f"{word}-last" in told

    until(has_last_words, "its last words are in the bucket", 90, poll_seconds=3)

    def replaced() -> bool:
        web = [each for each in lab.hosts() if each.role == "web" and each.state == "running"]
        return len(web) >= 2 and host.instance_id not in {each.instance_id for each in web}

    until(replaced, "its group has replaced it", 120, poll_seconds=1)
