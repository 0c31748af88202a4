"""The dashboards as one page that needs nothing else, for where there is no Grafana.

It draws the panels of panels.py from the same queries: uPlot's charts, read by mouse or finger.
"""

import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel
from grafana_foundation_sdk.models.prometheus import Dataquery

from airaware.errors import AirAwareError
from airaware.host.dashboards import panels
from airaware.host.prometheus import Prometheus, Series, number

FOLDER = Path(__file__).parent
BUILT = FOLDER / "build"
MINUTES = (15, 60, 360, 1440, 10080)
POINTS = 240
LEAST_STEP_SECONDS = 15
AT_ONCE = 4


def render(prometheus: Prometheus, minutes: int, served: bool = False) -> str:
    """Return the page of the last `minutes` as HTML; `served` adds links to other lengths.

    Raises AirAwareError where Prometheus does not answer, or the front end was not built.
    """
    end = time.time()
    step = max(LEAST_STEP_SECONDS, minutes * 60 / POINTS)
    times = [end - step * back for back in range(int(minutes * 60 / step), -1, -1)]
    shown = panels.all_of_them()
    # Asked together: a page is several dozens of queries.
    with ThreadPoolExecutor(AT_ONCE) as several:
        drawn = [
            {
                "title": each.title,
                "panels": list(several.map(_drawer(prometheus, times), _of(each))),
            }
            for each in shown
        ]
    return _template().render(
        dashboards=drawn,
        annotations=_annotations(prometheus, times),
        times=times,
        minutes=minutes,
        lengths=MINUTES if served else (),
        at=datetime.fromtimestamp(end, UTC),
        script=_built("dashboards.js"),
        style=_built("dashboards.css"),
    )


def _of(dashboard: Dashboard) -> list[Panel]:
    return list(dashboard.panels or [])  # type: ignore[arg-type]


def _targets(panel: Panel) -> list[Dataquery]:
    return [target for target in panel.targets or [] if isinstance(target, Dataquery)]


def queries(dashboards: Iterable[Dashboard]) -> list[tuple[str, str]]:
    """Yield the title and the expression of every query of every panel."""
    return [
        (f"{each.title}: {panel.title}", target.expr)
        for each in dashboards
        for panel in _of(each)
        for target in _targets(panel)
    ]


def _drawer(prometheus: Prometheus, times: list[float]) -> Any:
    def draw(panel: Panel) -> dict[str, Any]:
        """Return a panel as the page's script takes it; a query that fails says so in its place."""
        defaults = panel.field_config.defaults if panel.field_config else None
        drawn: dict[str, Any] = {
            "title": panel.title,
            "about": panel.description or "",
            "kind": panel.type_val,
            "wide": bool(panel.grid_pos and panel.grid_pos.w == panels.WHOLE),
            "unit": defaults.unit if defaults else "",
            "greatest": defaults.max_val if defaults else None,
            "series": [],
            "error": "",
        }
        try:
            for target in _targets(panel):
                found = _over(prometheus, target.expr, times)
                drawn["series"] += [
                    {
                        "label": label(target.legend_format, series.labels),
                        "values": values(series, times),
                    }
                    for series in found
                ]
        except AirAwareError as error:
            drawn["error"] = str(error)
        drawn["series"].sort(key=lambda series: series["label"])
        return drawn

    return draw


def _annotations(prometheus: Prometheus, times: list[float]) -> list[dict[str, Any]]:
    """Return what happened when, the earliest first; what happened twice is there twice."""
    found = [
        {
            "kind": kind,
            "text": label(text, series.labels),
            "colour": colour,
            "from": times[first],
            "to": times[last],
        }
        for kind, (expr, text, colour) in panels.ANNOTATIONS.items()
        for series in _over(prometheus, expr, times)
        for first, last in runs(values(series, times))
    ]
    return sorted(found, key=lambda mark: mark["from"])


def runs(known: Iterable[float | None]) -> list[tuple[int, int]]:
    """Return the first and the last index of each run of values that are there."""
    found: list[tuple[int, int]] = []
    for index, value in enumerate(known):
        if value is None:
            continue
        begun = found and found[-1][1] == index - 1
        first = found.pop()[0] if begun else index
        found.append((first, index))
    return found


def _over(prometheus: Prometheus, expr: str, times: list[float]) -> list[Series]:
    return prometheus.over(expr, times[0], times[-1], times[1] - times[0])


def values(series: Series, times: list[float]) -> list[float | None]:
    """Return a series' values at these times; None where it has none."""
    step = times[1] - times[0]
    found: list[float | None] = [None] * len(times)
    for moment, value in series.values.items():
        found[round((moment - times[0]) / step)] = number(value)
    return found


def label(legend: str | None, labels: dict[str, str]) -> str:
    """Fill a legend, such as {{zone}}, with the labels of its series."""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda name: labels.get(name[1], ""), legend or "").strip()


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True
    )
    return environment.get_template("page.html.jinja")


def _built(name: str) -> str:
    """Return a file of the front end; the bundler leaves no `</script` in it."""
    try:
        return (BUILT / name).read_text()
    except FileNotFoundError:
        raise AirAwareError(f"{BUILT / name} is missing: tools/setup.sh builds it") from None
