"""The picture of a drill: requests, waiting times, servers and CPU per zone against time."""

import io

import matplotlib

matplotlib.use("svg")  # no screen

from matplotlib import pyplot  # noqa: E402

from tools.drill.course import Course, by_second  # noqa: E402

COLOURS = ("#2166ac", "#e08214", "#5aae61")  # of the zones, told apart by the colour-blind too
FAILED = "#b2182b"
MOMENTS = (("injected", "fault"), ("returned", "return"), ("recovered", "steady again"))


def picture(course: Course) -> str:
    """Return the picture as an SVG element; seconds since the drill's begin on its axis."""
    panels = [_requests, _waits] if course.visits else []
    panels += [_servers] + ([_cpu] if any(course.cpu.values()) else [])
    with pyplot.rc_context({"svg.fonttype": "none", "font.size": 9}):
        figure, axes = pyplot.subplots(
            len(panels), sharex=True, squeeze=False, figsize=(9, 1.9 * len(panels) + 0.4)
        )
        try:
            for panel, axis in zip(panels, axes[:, 0], strict=True):
                panel(course, axis)
                _moments(course, axis)
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


def _requests(course: Course, axis: pyplot.Axes) -> None:
    rows = by_second(course.visits, course.began)
    axis.plot(rows["second"], rows["requests"], color="#888888", label="requests/s")
    axis.fill_between(rows["second"], rows["failed"], color=FAILED, label="failed/s")
    axis.set_title("Requests", loc="left")


def _waits(course: Course, axis: pyplot.Axes) -> None:
    rows = by_second(course.visits, course.began)
    pairs = [(s, 1000 * p) for s, p in zip(rows["second"], rows["p99"], strict=True) if p]
    axis.plot([second for second, _ in pairs], [p99 for _, p99 in pairs], label="p99 of a second")
    axis.set_title("Milliseconds to a good answer", loc="left")


def _servers(course: Course, axis: pyplot.Axes) -> None:
    for colour, zone in zip(COLOURS, course.healthy_before(), strict=False):
        moments = [sample.at - course.began for sample in course.samples]
        healthy = [sample.healthy[zone] for sample in course.samples]
        running = [sample.servers[zone] for sample in course.samples]
        axis.step(moments, healthy, where="post", color=colour, label=zone)
        axis.step(moments, running, where="post", color=colour, linestyle=":")
    axis.set_title("Servers in service; dotted: those that run", loc="left")


def _cpu(course: Course, axis: pyplot.Axes) -> None:
    for colour, (zone, points) in zip(COLOURS, course.cpu.items(), strict=False):
        moments = [at - course.began for at, _ in points]
        percents = [percent for _, percent in points]
        axis.plot(moments, percents, color=colour, marker=".", label=zone)
    axis.set_title("CPU, percent of a zone's servers", loc="left")


def _moments(course: Course, axis: pyplot.Axes) -> None:
    for number, (name, text) in enumerate(MOMENTS):
        at = getattr(course, name)
        if at is not None:
            style = ("-", "--", ":")[number]
            axis.axvline(at - course.began, color="black", linewidth=1, linestyle=style, label=text)
