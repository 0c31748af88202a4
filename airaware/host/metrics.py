"""Export metrics of this host through a file that its node exporter reads.

    python -m airaware.host.metrics --file FILE --puppet SUMMARY --certificate PEM

Runs for ever. Its own CPU, where the exporter would show a machine that several hosts share; how
Puppet's last run went; when the certificate that Puppet's CA gave it expires.
"""

import argparse
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from airaware.errors import AirAwareError
from airaware.host import journal
from airaware.host.usage import usage

# A third of the time between two looks of Prometheus, so that rates are smooth.
EVERY_SECONDS = 5

log = logging.getLogger("airaware.host.metrics")


@dataclass(frozen=True)
class HostMetrics:
    """A collector for prometheus_client: `summary` is Puppet's last_run_summary.yaml."""

    summary: Path
    certificate: Path

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of this moment; none of a file that is not there."""
        now = usage()
        yield CounterMetricFamily(
            "airaware_host_cpu_seconds", "CPU time that the host has used.", now.used_seconds
        )
        yield _gauge("airaware_host_cpus", "CPUs that the host may use at once.", now.cpus)
        if self.summary.exists():
            yield from last_run(yaml.safe_load(self.summary.read_text()))
        if self.certificate.exists():
            certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            yield _gauge(
                "puppet_certificate_expiry_timestamp_seconds",
                "When the host's certificate expires.",
                certificate.not_valid_after_utc.timestamp(),
            )


def last_run(summary: dict[str, Any]) -> Iterator[Metric]:
    """Yield the metrics of Puppet's last_run_summary.yaml.

    A run that had no catalog has no figures of events: it counts as a failure.
    """
    resources, events = summary.get("resources", {}), summary.get("events", {})
    failures = resources.get("failed", 0) + resources.get("failed_to_restart", 0)
    yield _gauge(
        "puppet_run_timestamp_seconds", "When the last run ended.", summary["time"]["last_run"]
    )
    yield _gauge(
        "puppet_run_failures",
        "Resources that failed in the last run; 1 where there was no catalog.",
        failures if events else 1,
    )
    yield _gauge(
        "puppet_run_changes",
        "Resources that the last run changed.",
        resources.get("changed", 0),
    )
    yield _gauge("puppet_run_resources", "Resources of the catalog.", resources.get("total", 0))
    yield _gauge(
        "puppet_run_seconds", "How long the last run took.", summary["time"].get("total", 0)
    )
    release = GaugeMetricFamily(
        "puppet_run_release", "1, with the release of the last run.", labels=["release"]
    )
    release.add_metric([str((summary.get("version") or {}).get("config") or "none")], 1)
    yield release


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


def export(collector: Collector, file: Path, ticks: Iterable[object]) -> None:
    """Write the file at each tick, whole. A failure is logged once; the next tick tries again."""
    registry = CollectorRegistry()
    registry.register(collector)
    silent = False
    for _ in ticks:
        try:
            write_to_textfile(str(file), registry)
            file.chmod(0o644)
            silent = False
        except (AirAwareError, OSError, ValueError, KeyError, yaml.YAMLError) as error:
            if not silent:
                log.error("%s stays as it was: %s", file, error)
            silent = True


def ticks(every_seconds: float) -> Iterator[None]:
    """Yield at once, and again after each pause, for ever."""
    while True:
        yield
        time.sleep(every_seconds)


def main() -> None:
    """Write the metrics for ever."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, required=True, help="where the exporter reads them")
    parser.add_argument("--puppet", type=Path, required=True, help="last_run_summary.yaml")
    parser.add_argument("--certificate", type=Path, required=True, help="the host's, PEM")
    given = parser.parse_args()
    export(HostMetrics(given.puppet, given.certificate), given.file, ticks(EVERY_SECONDS))


if __name__ == "__main__":
    journal.begin()
    main()
