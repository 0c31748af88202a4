"""A drill's chart: requests, latency, web hosts and CPU per zone over time."""

import io

import matplotlib

matplotlib.use("svg")  # no screen

from matplotlib import pyplot

from tools.drill.observations import Observations, by_second

COLOURS = (
    "#2166ac",
    "#e08214",
    "#5aae61",
)  # of the zones; colour-blind readers can distinguish them
FAILED = "#b2182b"
MOMENTS = (("injected", "fault"), ("returned", "return"), ("recovered", "steady again"))


def picture(observed: Observations) -> str:
    """Return the chart as an SVG element; its horizontal axis is seconds since the drill began."""
    panels = [_requests, _waits] if observed.visits else []
    panels += [_servers] + ([_cpu] if any(observed.cpu.values()) else [])
    with pyplot.rc_context({"svg.fonttype": "none", "font.size": 9}):
        figure, axes = pyplot.subplots(
            len(panels), sharex=True, squeeze=False, figsize=(9, 1.9 * len(panels) + 0.4)
        )
        try:
            for panel, axis in zip(panels, axes[:, 0], strict=True):
                panel(observed, axis)
                _moments(observed, axis)
                axis.set_ylim(bottom=0)
                axis.yaxis.get_major_locator().set_params(integer=True)
                axis.grid(alpha=0.3)
                axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
            axes[-1, 0].set_xlabel("seconds")
            figure.tight_layout()
            text = io.StringIO()
            figure.savefig(text, format="svg")
        finally:
            pyplot.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]


def _requests(observed: Observations, axis: pyplot.Axes) -> None:
    rows = by_second(observed.visits, observed.began)
    axis.plot(rows["second"], rows["requests"], color="#888888", label="requests/s")
    axis.fill_between(rows["second"], rows["failed"], color=FAILED, label="failed/s")
    axis.set_title("Requests", loc="left")


def _waits(observed: Observations, axis: pyplot.Axes) -> None:
    rows = by_second(observed.visits, observed.began)
    pairs = [(s, 1000 * p) for s, p in zip(rows["second"], rows["p99"], strict=True) if p]
    axis.plot([second for second, _ in pairs], [p99 for _, p99 in pairs], label="p99 of a second")
    axis.set_title("Latency of good answers (ms)", loc="left")


def _servers(observed: Observations, axis: pyplot.Axes) -> None:
    for colour, zone in zip(COLOURS, observed.healthy_before(), strict=False):
        moments = [sample.at - observed.began for sample in observed.samples]
        healthy = [sample.healthy[zone] for sample in observed.samples]
        running = [sample.servers[zone] for sample in observed.samples]
        axis.step(moments, healthy, where="post", color=colour, label=zone)
        axis.step(moments, running, where="post", color=colour, linestyle=":")
    axis.set_title("Web hosts in service (dotted: running)", loc="left")


def _cpu(observed: Observations, axis: pyplot.Axes) -> None:
    for colour, (zone, points) in zip(COLOURS, observed.cpu.items(), strict=False):
        moments = [at - observed.began for at, _ in points]
        percents = [percent for _, percent in points]
        axis.plot(moments, percents, color=colour, marker=".", label=zone)
    axis.set_title("CPU of a zone's web hosts (%)", loc="left")


def _moments(observed: Observations, axis: pyplot.Axes) -> None:
    for number, (name, text) in enumerate(MOMENTS):
        at = getattr(observed, name)
        if at is not None:
            style = ("-", "--", ":")[number]
            axis.axvline(
                at - observed.began, color="black", linewidth=1, linestyle=style, label=text
            )
