"""What a host tells of itself: real summaries of Puppet, a real certificate, this machine's CPU."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from airaware.host.metrics import HostMetrics, export

RUN = """\
---
version:
  config: 0123456
  puppet: 7.23.0
resources:
  changed: 3
  failed: 1
  failed_to_restart: 1
  total: 120
time:
  last_run: 1764000000
  total: 8.5
events:
  failure: 2
  success: 3
  total: 5
"""
NO_CATALOG = """\
---
version:
  config:
  puppet: 7.23.0
resources:
  failed: 0
  total: 0
time:
  last_run: 1764000000
"""


@pytest.fixture
def collector(tmp_path: Path) -> HostMetrics:
    return HostMetrics(tmp_path / "last_run_summary.yaml", tmp_path / "host.pem")


def told(collector: HostMetrics, tmp_path: Path, ticks: int = 1) -> dict[str, float]:
    file = tmp_path / "host.prom"
    export(collector, file, range(ticks))
    assert file.stat().st_mode & 0o777 == 0o644
    families = text_string_to_metric_families(file.read_text())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_cpu_time_grows(collector: HostMetrics, tmp_path: Path) -> None:
    before = told(collector, tmp_path)["airaware_host_cpu_seconds_total"]
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while told(collector, tmp_path)["airaware_host_cpu_seconds_total"] == before:
        assert datetime.now(UTC) < deadline
    assert told(collector, tmp_path)["airaware_host_cpus"] > 0


def test_a_host_without_puppet_tells_the_rest(collector: HostMetrics, tmp_path: Path) -> None:
    assert not [name for name in told(collector, tmp_path) if name.startswith("puppet")]


def test_a_run(collector: HostMetrics, tmp_path: Path) -> None:
    collector.summary.write_text(RUN)
    metrics = told(collector, tmp_path)
    assert metrics["puppet_run_timestamp_seconds"] == 1764000000
    assert metrics["puppet_run_failures"] == 2
    assert metrics["puppet_run_changes"] == 3
    assert metrics["puppet_run_seconds"] == 8.5


def test_a_run_without_catalog_is_a_failure(collector: HostMetrics, tmp_path: Path) -> None:
    collector.summary.write_text(NO_CATALOG)
    assert told(collector, tmp_path)["puppet_run_failures"] == 1


def test_the_certificate(collector: HostMetrics, tmp_path: Path) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    issued = trustme.CA().issue_cert("web.lab.airaware.internal", not_after=expires)
    issued.cert_chain_pems[0].write_to_path(collector.certificate)
    expiry = told(collector, tmp_path)["puppet_certificate_expiry_timestamp_seconds"]
    assert expiry == expires.timestamp()


def test_half_a_summary_changes_nothing(
    collector: HostMetrics, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collector.summary.write_text(RUN)
    before = told(collector, tmp_path)
    collector.summary.write_text(RUN[:60] + "\n  - [")
    assert told(collector, tmp_path, ticks=3) == before
    assert len(caplog.records) == 1, "once, not each time"
