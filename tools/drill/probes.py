"""Probes of the steady state that several drills share."""

import time
from collections.abc import Callable

from airaware.errors import AirAwareError
from tools.drill.faults import DATABASE_PORT
from tools.drill.model import Probe
from tools.drill.world import NEW_PLACE, World, firing
from tools.fleet.controller import RUNS

POLL_SECONDS = 1
# Alerts on the objective's budget: they look back for hours, and say little of the present.
BURN_RATES = frozenset({"SiteErrorsFast", "SiteErrorsSlow", "SiteSlowFast", "SiteSlowSlow"})
_PAGES = firing(f'severity="page", alertname!~"{"|".join(sorted(BURN_RATES))}"')
PAGES = f"count({_PAGES}) or vector(0)"


def every_zone_serves() -> Probe:
    """Probe for at least one healthy target per zone, as the load balancer reports it."""
    return Probe(
        "healthy web hosts in the zone that has the fewest",
        lambda world: min(world.sample().healthy.values()),
        least=1,
    )


def all_targets_well() -> Probe:
    """Probe for web hosts that are missing, starting, draining or unhealthy as targets."""

    def others(world: World) -> int:
        wanted: int = sum(world.web_tier.group(zone)["DesiredCapacity"] for zone in world.groups)
        states = list(world.web_tier.target_states().values())
        return max(wanted, len(states)) - states.count("healthy")

    return Probe("web hosts not in service", others, most=0)


def groups_work() -> Probe:
    """Probe for suspended processes of the scaling groups."""
    return Probe(
        "suspended processes of the scaling groups",
        lambda world: sum(len(world.web_tier.suspended(zone)) for zone in world.groups),
        most=0,
    )


def promql(
    text: str, query: str, least: float = float("-inf"), most: float = float("inf")
) -> Probe:
    """Return a probe of a Prometheus query that has one value."""

    def measure(world: World) -> float | None:
        result = world.prometheus("query", query=query)
        return float(result[0]["value"][1]) if result else None

    return Probe(text, measure, least, most)


WEB = (
    every_zone_serves(),
    all_targets_well(),
    groups_work(),
    promql("share of requests that fail", "site:airaware_errors:ratio_rate1m", most=0.01),
    promql("firing alerts that page", PAGES, most=0),
)


def databases_listen() -> Probe:
    """Probe for databases that do not listen, as their hosts report it."""

    def silent(world: World) -> int:
        databases = [host for host in world.hosts() if host.role == "database"]
        ask = ["ss", "--listening", "--tcp", "--no-header", f"sport = :{DATABASE_PORT}"]
        return sum(not world.ssh(host, ask).strip() for host in databases)

    return Probe("databases that take no connections", silent, most=0)


def a_year_is_loaded() -> Probe:
    """Probe for a loaded year; without one, visitors do not notice what becomes of a database."""
    return Probe(
        "paths that visitors ask for out of a database",
        lambda world: world.paths().count(NEW_PLACE),
        least=1,
        deadline_seconds=10,
    )


DATABASES = (
    *WEB,
    databases_listen(),
    promql("databases that are down", "count(pg_up == 0) or vector(0)", most=0),
    a_year_is_loaded(),
)


def zones_are_equal() -> Probe:
    """Probe for zones that differ in the year that drills of the batch load again."""

    def different(world: World) -> int:
        with world.reading() as look:
            held = [each.held for each in look()]
        return len({each and each.checksum for each in held}) - 1

    return Probe("zones whose year differs from another's", different, most=0)


def spark_is_whole() -> Probe:
    """Probe for Spark workers that do not run."""

    def lost(world: World) -> int:
        workers = [host for host in world.hosts() if host.role == "spark_worker"]
        ask = ["systemctl", "show", "--property=ActiveState", "spark-worker"]
        return sum(world.ssh(host, ask).strip() != "ActiveState=active" for host in workers)

    return Probe("Spark workers that do not run", lost, most=0)


def no_job_runs() -> Probe:
    """Probe for running jobs: a drill's own would wait behind them."""

    def running(world: World) -> int:
        return sum(job.state == RUNS for job in world.fleet.controller().jobs())

    return Probe("jobs that run", running, most=0)


BATCH = (*DATABASES, zones_are_equal(), spark_is_whole(), no_job_runs())


def await_all(probes: tuple[Probe, ...], world: object, say: Callable[[str], None]) -> None:
    """Wait until all probes hold.

    Raises:
        AirAwareError: A probe does not hold within its deadline.
    """
    started = time.monotonic()
    for probe in probes:
        while (holds := probe.holds(world)) is False:
            if time.monotonic() - started > probe.deadline_seconds:
                raise AirAwareError(
                    f"The steady state does not hold: {probe.text}: {probe.measure(world):g}, not"
                    f" from {probe.least:g} to {probe.most:g} within {probe.deadline_seconds:g} s"
                )
            time.sleep(POLL_SECONDS)
        if holds is None:
            say(f"unknown, because nothing answers: {probe.text}")
