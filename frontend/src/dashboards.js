// Draws the panels of airaware/host/dashboards/page.py: each section's JSON says what it shows.
import uPlot from "uplot";

const HEIGHT = 200; // CSS pixels
const FONT = "12px system-ui, sans-serif";
// Okabe and Ito's, which differ for all kinds of sight; then dashed.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c8c00", "#888"];

const { times, annotations } = JSON.parse(document.getElementById("common").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

const scaled = (value, base, units) => {
  const power = Math.min(Math.max(Math.floor(Math.log(Math.abs(value)) / Math.log(base)), 0), units.length - 1);
  return `${digits(value / base ** power)} ${units[power]}`;
};
const digits = (value) => String(Number(value.toPrecision(3)));
// By Grafana's names of units.
const units = {
  percentunit: (value) => `${digits(100 * value)}%`,
  reqps: (value) => `${digits(value)} req/s`,
  ops: (value) => `${digits(value)}/s`,
  bytes: (value) => scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]),
  Bps: (value) => scaled(value, 1000, ["B/s", "kB/s", "MB/s", "GB/s"]),
  d: (value) => `${digits(value)} days`,
  s: (value) => {
    if (Math.abs(value) < 1) return `${digits(1000 * value)} ms`;
    if (value < 120) return `${digits(value)} s`;
    if (value < 7200) return `${digits(value / 60)} min`;
    return value < 172800 ? `${digits(value / 3600)} h` : `${digits(value / 86400)} days`;
  },
  short: (value) => (Math.abs(value) < 10000 ? digits(value) : scaled(value, 1000, ["", "K", "M", "G"])),
};
const text = (unit, value) => (value === null || value === undefined ? "–" : (units[unit] ?? digits)(value));

const utc = (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC");
const short = times.at(-1) - times[0] < 1200;
const clock = uPlot.fmtDate(short ? "{HH}:{mm}:{ss}" : "{HH}:{mm}");
const day = uPlot.fmtDate("{MM}-{DD} {HH}:{mm}");
const long = times.at(-1) - times[0] > 86400;

// What happened meanwhile, behind the lines.
function marks(chart) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.font = FONT;
  let free = -Infinity; // where the next mark's text may begin: not upon another's
  for (const mark of annotations) {
    const left = chart.valToPos(mark.from, "x", true);
    const right = chart.valToPos(mark.to, "x", true);
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.fillStyle = mark.colour;
    ctx.globalAlpha = 0.08;
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    ctx.globalAlpha = 0.9;
    if (left < free) continue;
    ctx.fillText(mark.text, left + 3, bbox.top + 12 * devicePixelRatio);
    free = left + ctx.measureText(mark.text).width + 9;
  }
  ctx.restore();
}

function draw(section, panel) {
  const axis = { stroke: colour("muted"), font: FONT, ticks: { show: false }, grid: { stroke: colour("line"), width: 1 } };
  const chart = new uPlot(
    {
      width: section.clientWidth - 24,
      height: HEIGHT,
      tzDate: utc,
      cursor: { sync: { key: "all" } },
      scales: {
        y: { range: (_, low, high) => [Math.min(low ?? 0, 0), panel.greatest ?? ((high ?? 0) > 0 ? high * 1.1 : 1)] },
      },
      axes: [{ ...axis, values: (chart, splits) => splits.map((at) => (long ? day : clock)(utc(at))) }, { ...axis, size: 74, values: (_, splits) => splits.map((value) => text(panel.unit, value)) }],
      series: [
        { label: "UTC", value: "{HH}:{mm}:{ss}" },
        ...panel.series.map(({ label }, index) => ({
          label: label || panel.title,
          stroke: COLOURS[index % COLOURS.length],
          dash: index < COLOURS.length ? [] : [6, 4],
          width: 1.5,
          points: { show: (_, which, from, to) => to - from < 2 },
          value: (_, value, __, at) => text(panel.unit, at === null ? panel.series[index].values.at(-1) : value),
        })),
      ],
      hooks: { drawClear: [marks] },
    },
    [times, ...panel.series.map(({ values }) => values)],
    section,
  );
  new ResizeObserver(() => chart.setSize({ width: section.clientWidth - 24, height: HEIGHT })).observe(section);
}

for (const section of document.querySelectorAll("section")) {
  const panel = JSON.parse(section.querySelector("script").textContent);
  if (panel.kind === "stat") {
    const figure = section.appendChild(document.createElement("div"));
    figure.className = "figure";
    figure.textContent = text(panel.unit, panel.series[0]?.values.findLast((value) => value !== null));
  } else if (panel.series.length) {
    draw(section, panel);
  }
}
document.body.dataset.drawn = "";
