"""The page of the dashboards, from a real Prometheus, in a real browser."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import sync_playwright
from promtool import program

from airaware.errors import AirAwareError
from airaware.host.dashboards import page, panels
from airaware.host.dashboards.serve import server
from airaware.host.prometheus import Prometheus
from tools.machine.postgres import free_port

# Of the last hour, each minute: two zones, a drill, and a page that fired.
METRICS = {
    'zone:web_cpu:ratio{zone="us-west-2a"}': lambda minute: 0.2 + minute / 200,
    'zone:web_cpu:ratio{zone="us-west-2b"}': lambda _minute: 0.3,
    'zone:web_up:count{zone="us-west-2a"}': lambda minute: 1 + minute // 30,
    'pg_up{zone="us-west-2a"}': lambda minute: float("nan") if minute == 30 else 1,
    'airaware_drill_running{drill="zone-loss"}': lambda minute: 20 <= minute < 30,
    'ALERTS{alertname="ZoneInTrouble",alertstate="firing",severity="page",zone="us-west-2b"}': (
        lambda _minute: 1
    ),
}


@pytest.fixture(scope="module")
def now() -> int:
    """When the tests begin, which is long after they are collected; seconds since 1970."""
    return int(time.time())


@pytest.fixture(scope="module")
def prometheus(now: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that knows METRICS and watches nothing."""
    folder = tmp_path_factory.mktemp("prometheus")
    lines = [
        f"{name} {float(value(minute))} {now - 60 * (60 - minute)}"
        for name, value in METRICS.items()
        for minute in range(61)
    ]
    (folder / "metrics").write_text("\n".join([*lines, "# EOF", ""]))
    create = ("tsdb", "create-blocks-from", "openmetrics", folder / "metrics", folder / "data")
    subprocess.run([program("promtool"), *create], check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    port = free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=2).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.1)
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def address(prometheus: Prometheus) -> Iterator[str]:
    """Where the page is served."""
    serving = server(prometheus, "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_the_queries_answers(now: int, prometheus: Prometheus) -> None:
    found = prometheus.query("zone:web_cpu:ratio")
    assert {series.labels["zone"] for series in found} == {"us-west-2a", "us-west-2b"}
    past = prometheus.over('zone:web_cpu:ratio{zone="us-west-2a"}', now - 1200, now, 60)
    assert past[0].values[now - 1200] == pytest.approx(0.4)
    with pytest.raises(AirAwareError, match=r"refuses.*parse error"):
        prometheus.query("sum(")
    with pytest.raises(AirAwareError, match="does not answer"):
        Prometheus(f"http://127.0.0.1:{free_port()}").query("up")


@pytest.mark.usefixtures("prometheus")
def test_every_panel_is_drawn_and_what_has_no_data_says_so(address: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not there: tools/setup.sh tests installs it")
    expected = [panel.title for each in panels.all_of_them() for panel in each.panels or ()]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page()
        problems: list[str] = []
        shown.on("pageerror", lambda error: problems.append(str(error)))
        shown.on("console", lambda said: problems.extend([said.text] * (said.type == "error")))
        shown.goto(address)
        shown.locator("body[data-drawn]").wait_for(state="attached")
        assert shown.locator("h3").all_inner_texts() == expected
        first = shown.locator("section").first
        assert first.locator("canvas").count() == 1
        assert "us-west-2a" in first.inner_text()
        assert "us-west-2b" in first.inner_text()
        empty = shown.locator("section", has_text="Bad rows, by pollutant")
        assert "No data" in empty.inner_text()
        assert empty.locator("canvas").count() == 0
        assert "1" in shown.locator("section", has_text="Alerts that fire").inner_text()
        assert "This is not Grafana" in shown.locator("header").inner_text()
        browser.close()
    assert problems == []


def test_the_page_needs_nothing_else(prometheus: Prometheus) -> None:
    text = page.render(prometheus, 60)
    assert "<script src" not in text
    assert 'href="http' not in text
    assert "@import" not in text
    assert "zone-loss" in text
    assert "ZoneInTrouble" in text


def test_other_pages_and_a_prometheus_that_is_down_are_told(address: str) -> None:
    assert requests.get(f"{address}/?minutes=15", timeout=30).ok
    for wrong in ("/?minutes=7", "/?minutes=x", "/etc/passwd"):
        assert requests.get(f"{address}{wrong}", timeout=5).status_code == 404
    down = server(Prometheus(f"http://127.0.0.1:{free_port()}"), "127.0.0.1", 0)
    thread = threading.Thread(target=down.handle_request)
    thread.start()
    answer = requests.get(f"http://127.0.0.1:{down.server_port}/", timeout=30)
    thread.join()
    down.server_close()
    assert answer.status_code == 503
    assert "does not answer" in answer.text
