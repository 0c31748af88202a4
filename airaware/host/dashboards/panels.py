"""Every dashboard, as Grafana takes it; where there is no Grafana, page.py draws the same panels.

    python -m airaware.host.dashboards.panels FOLDER    writes them as JSON, for Puppet to provision

A panel without a value for a legend's label would show nothing: what may be absent has
`or vector(0)` behind it.
"""

import json
import sys
from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, DataSourceRef

from airaware.host.prometheus import ERROR_BUDGET_LEFT

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
# Units, by Grafana's names.
SHARE, PER_SECOND, SECONDS, BYTES, COUNT = "percentunit", "reqps", "s", "bytes", "short"
HALF, WHOLE, HEIGHT = 12, 24, 8
VISITORS = 'endpoint!~"/metrics|/healthz|/readyz"'
ANNOTATIONS = {
    "drills": ("airaware_drill_running == 1", "{{drill}}", "purple"),
    "pages": ('ALERTS{alertstate="firing", severity="page"}', "{{alertname}} {{zone}}", "red"),
}

Query = tuple[str, str]  # PromQL, and the legend of its series


def graph(
    title: str, unit: str, *queries: Query, about: str = "", span: int = HALF, greatest: float = 0
) -> timeseries.Panel:
    """Values against time, from 0 on."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .min(0)
        .span(span)
        .height(HEIGHT)
        .datasource(SOURCE)
    )
    if greatest:
        panel = panel.max(greatest)
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        panel = panel.with_target(_target(query, letter))
    return panel


def figure(title: str, unit: str, expr: str, about: str = "") -> stat.Panel:
    """Return a panel that shows only the latest value."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .span(6)
        .height(4)
        .datasource(SOURCE)
        .with_target(_target((expr, "")))
    )


def all_of_them() -> list[Dashboard]:
    """Return the dashboards in the order in which they are shown."""
    return [fleet(), site(), data(), database(), spark(), puppet(), drills()]


def fleet() -> Dashboard:
    """How many hosts there are, and how busy they are; first, what scaling follows."""
    return _dashboard(
        "fleet",
        graph(
            "CPU of the web hosts, by zone",
            SHARE,
            ("zone:web_cpu:ratio", "{{zone}}"),
            about="Mean of each zone's hosts, of the CPU that their instance type has.",
            span=WHOLE,
            greatest=1,
        ),
        graph("Web hosts that answer, by zone", COUNT, ("zone:web_up:count", "{{zone}}")),
        graph(
            "Hosts that answer, by role",
            COUNT,
            ('count by (role) (up{job="node"} == 1)', "{{role}}"),
        ),
        graph("CPU by host", SHARE, ("instance:cpu:ratio", "{{host}} {{instance_id}}"), greatest=1),
        graph(
            "Memory in use",
            SHARE,
            (
                "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
                "{{host}} {{instance_id}}",
            ),
            about="A host that shares a machine, as in the lab, shows the machine's memory.",
            greatest=1,
        ),
        graph(
            "Space left on disks",
            SHARE,
            (
                'min by (host, mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"}'
                " / node_filesystem_size_bytes)",
                "{{host}} {{mountpoint}}",
            ),
            greatest=1,
        ),
        graph(
            "Network, sent by role",
            "Bps",
            (
                'sum by (role) (rate(node_network_transmit_bytes_total{device!="lo"}[1m]))',
                "{{role}}",
            ),
        ),
        graph(
            "What watchdogs did, in five minutes",
            COUNT,
            ("sum by (action) (increase(airaware_watchdog_actions_total[5m]))", "{{action}}"),
            about="Workers that hung and were killed, sites restarted, hosts reported.",
        ),
        figure("Alerts that fire", COUNT, 'count(ALERTS{alertstate="firing"}) or vector(0)'),
        figure("Targets that are down", COUNT, 'count(up{job!="spark_job"} == 0) or vector(0)'),
    )


def site() -> Dashboard:
    """Rate, errors, duration, as the web hosts see them; and what a visitor sees."""
    return _dashboard(
        "site",
        graph("Requests by zone", PER_SECOND, ("zone:airaware_requests:rate1m", "{{zone}}")),
        graph(
            "Errors, of all requests",
            SHARE,
            ("zone:airaware_errors:ratio_rate1m", "{{zone}}"),
            ("site:airaware_errors:ratio_rate1m", "all"),
        ),
        graph(
            "Refused, of all requests",
            SHARE,
            (
                "zone:airaware_refused:rate1m / (zone:airaware_requests:rate1m > 0)",
                "{{zone}}",
            ),
            about="Got a 503 from a web host that had no place free within a second.",
        ),
        graph(
            "Requests that wait for a place on a web host",
            COUNT,
            (
                'sum by (zone, proxy) (haproxy_backend_current_queue{job="web_proxy"})',
                "{{zone}} {{proxy}}",
            ),
        ),
        graph(
            "Time to answer",
            SECONDS,
            ("site:airaware_request_seconds:p50_1m", "half of the requests"),
            ("site:airaware_request_seconds:p95_1m", "95%"),
            ("site:airaware_request_seconds:p99_1m", "99%"),
            about="Of the site itself, without the wait for a place.",
        ),
        graph(
            "Time to answer 95%, by zone",
            SECONDS,
            ("zone:airaware_request_seconds:p95_1m", "{{zone}}"),
        ),
        graph(
            "Requests by endpoint",
            PER_SECOND,
            (
                f"sum by (endpoint) (rate(airaware_requests_total{{{VISITORS}}}[1m]))",
                "{{endpoint}}",
            ),
        ),
        graph(
            "Requests by status",
            PER_SECOND,
            (f"sum by (status) (rate(airaware_requests_total{{{VISITORS}}}[1m]))", "{{status}}"),
        ),
        graph(
            "Databases that web hosts pass over",
            COUNT,
            ("sum by (exported_zone) (airaware_zone_passed_over)", "of {{exported_zone}}"),
        ),
        graph(
            "Probes through the balancer",
            SECONDS,
            ('probe_duration_seconds{job="site"}', "{{instance}}"),
            about="How long each took.",
        ),
        graph(
            "Answers of the balancer, by class of status",
            PER_SECOND,
            (
                "sum by (code) (rate("
                'haproxy_frontend_http_responses_total{proxy=~"listener-.*"}[1m]))',
                "{{code}}",
            ),
            about="Where its nodes export metrics, as in the lab; AWS's are in CloudWatch.",
        ),
        graph(
            "Probes that succeeded, over a minute",
            SHARE,
            ('avg_over_time(probe_success{job="site"}[1m])', "{{instance}}"),
            greatest=1,
        ),
        figure(
            "Budget of errors left, of 30 days",
            SHARE,
            ERROR_BUDGET_LEFT,
        ),
        figure(
            "Budget of slow answers left, of 30 days",
            SHARE,
            "1 - sum_over_time(site:airaware_slow:rate5m[30d])"
            " / (sum_over_time(site:airaware_requests:rate5m[30d]) > 0) / 0.05",
        ),
    )


def data() -> Dashboard:
    """Return the dashboard on what the zones serve, and whether they agree."""
    loads = "max by (parameter, year) (airaware_verified_checksum)"
    least = "min by (parameter, year) (airaware_verified_checksum)"
    return _dashboard(
        "data",
        graph(
            "Loads that each zone serves",
            COUNT,
            ("count by (zone) (airaware_load_rows)", "{{zone}}"),
        ),
        graph("Rows read, by zone", COUNT, ("sum by (zone) (airaware_load_rows)", "{{zone}}")),
        graph(
            "Rows left out by rule, by pollutant",
            COUNT,
            (
                "sum by (parameter) (max by (parameter, year) (airaware_load_excluded_rows))",
                "{{parameter}}",
            ),
        ),
        graph(
            "Bad rows, by pollutant",
            COUNT,
            (
                "sum by (parameter) (max by (parameter, year) (airaware_load_rejected_rows))",
                "{{parameter}}",
            ),
        ),
        graph(
            "Loads whose checksums differ between zones",
            COUNT,
            (f"count({loads} != {least}) or vector(0)", "differ"),
            (f"count({loads})", "all"),
        ),
        graph(
            "Age of the newest load",
            SECONDS,
            ("time() - max by (zone) (airaware_load_committed_timestamp_seconds)", "{{zone}}"),
        ),
        graph(
            "Age of the last save to the bucket",
            SECONDS,
            (
                'time() - node_systemd_timer_last_trigger_seconds{name="airaware-save.timer"}',
                "{{zone}}",
            ),
            about="The timer's; before its first night, since 1970.",
        ),
    )


def database() -> Dashboard:
    """PostgreSQL in each zone."""
    of = '{datname="airaware"}'
    hits, reads = (f"pg_stat_database_blks_{word}{of}" for word in ("hit", "read"))
    return _dashboard(
        "database",
        graph("Servers that answer", COUNT, ("pg_up", "{{zone}}"), greatest=1),
        graph(
            "Connections",
            COUNT,
            ("sum by (zone, state) (pg_stat_activity_count)", "{{zone}} {{state}}"),
        ),
        graph(
            "Transactions",
            "ops",
            (f"sum by (zone) (rate(pg_stat_database_xact_commit{of}[1m]))", "{{zone}} committed"),
            (
                f"sum by (zone) (rate(pg_stat_database_xact_rollback{of}[1m]))",
                "{{zone}} rolled back",
            ),
        ),
        graph(
            "Rows that queries read",
            "ops",
            (f"sum by (zone) (rate(pg_stat_database_tup_fetched{of}[1m]))", "{{zone}}"),
        ),
        graph(
            "Blocks found in the cache",
            SHARE,
            (
                f"sum by (zone) (rate({hits}[5m])) / (sum by (zone) (rate({hits}[5m])"
                f" + rate({reads}[5m])) > 0)",
                "{{zone}}",
            ),
            greatest=1,
        ),
        graph("Size", BYTES, (f"pg_database_size_bytes{of}", "{{zone}}")),
        graph(
            "CPU of the hosts",
            SHARE,
            ('instance:cpu:ratio{role="database"}', "{{host}}"),
            greatest=1,
        ),
        graph(
            "Deadlocks, and sessions that wait for another's lock",
            COUNT,
            (f"sum by (zone) (increase(pg_stat_database_deadlocks{of}[5m]))", "{{zone}} deadlocks"),
            (
                'sum by (zone) (pg_locks_count{mode="accessexclusivelock"})',
                "{{zone}} exclusive locks",
            ),
        ),
    )


def spark() -> Dashboard:
    """Return the dashboard on the cluster and its current job."""
    return _dashboard(
        "spark",
        graph(
            "Workers that the master knows",
            COUNT,
            ("sum(metrics_master_aliveWorkers_Value)", "alive"),
        ),
        graph(
            "Applications",
            COUNT,
            ("sum(metrics_master_apps_Value)", "all"),
            ("sum(metrics_master_waitingApps_Value)", "waiting"),
        ),
        graph(
            "Cores in use, by worker",
            COUNT,
            ("metrics_worker_coresUsed_Value", "{{host}}"),
        ),
        graph("Executors, by worker", COUNT, ("metrics_worker_executors_Value", "{{host}}")),
        graph(
            "Tasks of the job",
            COUNT,
            ("sum(metrics_executor_activeTasks) or vector(0)", "at work"),
            ("sum(metrics_executor_failedTasks_total) or vector(0)", "failed"),
        ),
        graph(
            "CPU of the hosts",
            SHARE,
            ('instance:cpu:ratio{role=~"spark_.*|controller"}', "{{host}}"),
            greatest=1,
        ),
    )


def puppet() -> Dashboard:
    """Return the dashboard on the agents' runs."""
    return _dashboard(
        "puppet",
        graph(
            "Age of the last run",
            SECONDS,
            ("time() - puppet_run_timestamp_seconds", "{{host}} {{instance_id}}"),
        ),
        graph(
            "Failures in the last run", COUNT, ("puppet_run_failures", "{{host}} {{instance_id}}")
        ),
        graph("Changes by the last run", COUNT, ("puppet_run_changes", "{{host}} {{instance_id}}")),
        graph(
            "Time that the last run took",
            SECONDS,
            ("puppet_run_seconds", "{{host}} {{instance_id}}"),
        ),
        graph(
            "Hosts by release", COUNT, ("count by (release) (puppet_run_release)", "{{release}}")
        ),
        graph(
            "Days until certificates expire",
            "d",
            (
                "(puppet_certificate_expiry_timestamp_seconds - time()) / 86400",
                "{{host}} {{instance_id}}",
            ),
        ),
    )


def drills() -> Dashboard:
    """Return the dashboard on what an outage does to the site; drills are marked."""
    return _dashboard(
        "drills",
        graph(
            "Drills that run",
            COUNT,
            ("sum(airaware_drill_running) or vector(0)", "running"),
            span=WHOLE,
        ),
        graph("Requests by zone", PER_SECOND, ("zone:airaware_requests:rate1m", "{{zone}}")),
        graph("Errors, of all requests", SHARE, ("site:airaware_errors:ratio_rate1m", "all")),
        graph("Time to answer 99%", SECONDS, ("site:airaware_request_seconds:p99_1m", "99%")),
        graph("Web hosts that answer, by zone", COUNT, ("zone:web_up:count", "{{zone}}")),
        graph("Databases that answer", COUNT, ("pg_up", "{{zone}}"), greatest=1),
        graph(
            "Probes that succeeded, over a minute",
            SHARE,
            ('min(avg_over_time(probe_success{job="site"}[1m]))', "through the balancer"),
            greatest=1,
        ),
    )


def _target(query: Query, letter: str = "A") -> prometheus.Dataquery:
    expr, legend = query
    return prometheus.Dataquery().ref_id(letter).expr(expr).legend_format(legend).datasource(SOURCE)


def _dashboard(name: str, *panels: timeseries.Panel | stat.Panel) -> Dashboard:
    built = (
        dashboard.Dashboard(f"AirAware: {name}")
        .uid(f"airaware-{name}")
        .tags(["airaware"])
        .refresh("15s")
        .time("now-1h", "now")
        .timezone("utc")
        .readonly()
    )
    for about, (expr, _, colour) in ANNOTATIONS.items():
        built = built.annotation(
            dashboard.AnnotationQuery()
            .name(about)
            .datasource(SOURCE)
            .enable(True)
            .expr(expr)
            .icon_color(colour)
        )
    for panel in panels:
        built = built.with_panel(panel)
    return built.build()


def main() -> None:
    """Write each dashboard as one file of JSON into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for each in all_of_them():
        text = json.dumps(each, cls=JSONEncoder, indent=1, sort_keys=True)
        (folder / f"{each.uid}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
