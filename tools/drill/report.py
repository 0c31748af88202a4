"""A drill's report: one HTML page that needs nothing else, and the same as JSON."""

import json
import platform
import subprocess
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import jinja2
import psutil

from tools.drill.model import Drill
from tools.drill.observations import by_second, request_statistics
from tools.drill.runner import Result
from tools.environments.local import DRILLS, state_folder
from tools.machine.checkout import CHECKOUT

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def folder(environment: str) -> Path:
    """Return the folder of an environment's drill reports; it outlives the environment's hosts."""
    return state_folder() / DRILLS / environment


def facts(
    result: Result, environment: str, clock_factor: float, reason: str, release: str
) -> dict[str, Any]:
    """Return everything that the report shows, in JSON's types.

    Times are in seconds since the fault; `release` is the version that the fleet ran.
    """
    drill, observed = result.drill, result.observed
    spans = {"before": observed.before, "during": observed.during, "after": observed.after}
    return {
        "drill": drill.name,
        "hypothesis": drill.hypothesis,
        "verdict": result.verdict,
        "aborted": result.aborted,
        "machine": asdict(result.machine) if result.machine else None,
        "limit": result.limit,
        "environment": environment,
        "zone": observed.zone,
        "reason": reason,
        "began": result.began.isoformat(timespec="seconds"),
        "injected": _injected(result),
        "findings": [asdict(finding) for finding in result.findings],
        "times": observed.times(),
        "requests": {name: request_statistics(visits) for name, visits in spans.items()}
        if drill.rate
        else {},
        "rate": drill.rate,
        "failed": result.failed,
        "budget": drill.budget,
        "changes": result.changes,
        "undone": result.undone,
        "left": result.left,
        "checksums": observed.checksums(),
        "alerts": None
        if observed.alerts is None or observed.injected is None
        else [(n, b - observed.injected, e - observed.injected) for n, b, e in observed.alerts],
        "place": _place(clock_factor, release),
    }


def refused(drill: Drill, zone: str, why: str) -> dict[str, Any]:
    """Return what the summary shows of a drill that did not begin."""
    entry = {"drill": drill.name, "verdict": "refused", "zone": zone, "aborted": why, "page": ""}
    return entry | {"findings": [], "times": {}, "requests": {}, "failed": 0}


def write(entry: dict[str, Any], result: Result, into: Path) -> Path:
    """Write the report into a folder: HTML with the chart, and JSON with the time series.

    Returns:
        The path of the HTML page.
    """
    from tools.drill import charts  # Matplotlib takes a second to import, in every task

    into.mkdir(parents=True, exist_ok=True)
    page = into / f"{entry['drill']}-{result.began:%Y%m%dT%H%M%S}.html"
    picture = charts.picture(result.observed)
    page.write_text(TEMPLATES.get_template("report.html.j2").render(entry, picture=picture))
    series = by_second(result.observed.visits, result.observed.began)
    samples = [
        {
            "second": sample.at - result.observed.began,
            "running": sample.servers,
            "healthy": sample.healthy,
        }
        for sample in result.observed.samples
    ]
    all_series = {"visits": series, "servers": samples, "cpu": result.observed.cpu}
    page.with_suffix(".json").write_text(json.dumps(entry | {"series": all_series}, indent=1))
    return page


def summary(entries: list[dict[str, Any]], page: Path) -> None:
    """Write one page about several drills; their own pages lie beside it."""
    page.write_text(TEMPLATES.get_template("summary.html.j2").render(drills=entries))


def line(entry: dict[str, Any]) -> str:
    """Return a drill's result in one line."""
    moved = entry["times"].get("moved")
    ended = f", the last {moved:.1f} s after the fault" if moved else ""
    total = sum(row["requests"] for row in entry["requests"].values())
    missed = [each["expected"] for each in entry["findings"] if each["met"] is False]
    parts = [
        *([entry["aborted"]] if entry["aborted"] else []),
        *([f"{entry['failed']} of {total} requests failed{ended}"] if total else []),
        *([f"clock factor {entry['place']['clock factor']}"] if "place" in entry else []),
        *([f"missed: {', '.join(missed)}"] if missed else []),
        *([entry["limit"]] if entry.get("limit") else []),
    ]
    return f"{entry['drill']:18} {entry['verdict']:8} {'; '.join(parts)}"


def _injected(result: Result) -> str | None:
    """Return when the fault was in place (ISO 8601); None where it never was."""
    observed = result.observed
    if observed.injected is None:
        return None
    at = result.began + timedelta(seconds=observed.injected - observed.began)
    return at.isoformat(timespec="seconds")


def _place(clock_factor: float, release: str) -> dict[str, str]:
    git = ["git", "describe", "--always", "--dirty"]
    version = subprocess.run(git, cwd=CHECKOUT, capture_output=True, text=True).stdout.strip()
    memory_gb = psutil.virtual_memory().total / 2**30
    return {
        "release of the fleet": release,
        "checkout of the runner": version or "unknown",
        "clock factor": f"{clock_factor:g}",
        "machine of the runner": f"{psutil.cpu_count()} cores, {memory_gb:.0f} GB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }
