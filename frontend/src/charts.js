// Draws the charts of a page: airaware/web/charts.py says what each shows. The mouse, a finger or
// the arrow keys read their values, which the legend tells.
import uPlot from "uplot";

const HEIGHT = 230; // CSS pixels
const LETTER = 6.5; // of a tick, as wide as they come
const FONT = "12px system-ui, sans-serif";
const DASHES = { 1: [], 2: [8, 4], 3: [2, 3], 4: [10, 3, 2, 3] };

const night = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

// As exact as it is meaningful: 0.31, 4.2, 34.5, 120.
const figure = (value) => value.toFixed(value >= 99.95 ? 0 : value >= 0.995 ? 1 : 2);

// --- how each series looks ---

const bars = uPlot.paths.bars({ size: [0.66, 44], radius: 0.1 });

// Of a series that has one value only.
function fromEdgeToEdge(chart, index) {
  const { left, width } = chart.bbox;
  const y = chart.valToPos(chart.data[index][0], "y", true);
  const stroke = new Path2D();
  stroke.moveTo(left, y);
  stroke.lineTo(left + width, y);
  return { stroke };
}

const dots = (fill, size) => ({ show: true, size, fill, width: 0 });
const looks = {
  bar: () => ({ paths: bars, fill: colour("bar"), points: { show: false } }),
  "faint-bar": () => ({
    paths: bars, fill: colour("accent-soft"), stroke: colour("bar"), dash: [4, 3], width: 1.5,
    points: { show: false },
  }),
  dot: () => ({ paths: () => null, fill: colour("ink"), points: dots(colour("ink"), 8) }),
  line: () => ({ stroke: colour("bar"), width: 2, points: { show: false } }),
  "dotted-line": () => ({ stroke: colour("bar"), width: 2, points: dots(colour("bar"), 8) }),
  level: () => ({
    paths: fromEdgeToEdge, stroke: colour("warn"), dash: [6, 4], width: 1.5,
    points: { show: false },
  }),
  band: () => ({ width: 0, points: { show: false } }),
  place: (number) => ({
    stroke: colour(`place-${number}`), dash: DASHES[number], width: 2,
    points: dots(colour(`place-${number}`), 7),
  }),
};

// As near to a line's dashes as a border can come.
const borderStyle = ([dash] = []) => (!dash ? "solid" : dash < 3 ? "dotted" : "dashed");

function series({ name, look }, unit) {
  const tell = (chart, value, index, at) => {
    if (at === null || value === null) return at === null ? "" : "–";
    const least = look === "band-top" ? `${figure(chart.data[index + 1][at])} to ` : "";
    return `${least}${figure(value)} ${unit}`;
  };
  const [, kind, number] = /^(band|place)?-?(.*)$/.exec(look);
  return { label: name, class: look, value: tell, ...looks[kind ?? look](number) };
}

// --- the axes ---

// As many ticks as there is room for, the last of them always.
function ticksThatFit(ticks, width) {
  const longest = Math.max(...ticks.map(([, text]) => text.length));
  const every = Math.ceil((ticks.length * LETTER * (longest + 0.5)) / width);
  return ticks.filter((_, index) => (ticks.length - 1 - index) % every === 0);
}

function axes(shown) {
  const common = { stroke: colour("muted"), font: FONT, ticks: { show: false } };
  const fitting = (chart) => ticksThatFit(shown.ticks, chart.bbox.width / devicePixelRatio);
  return [
    {
      ...common,
      grid: { show: false },
      splits: (chart) => fitting(chart).map(([at]) => at),
      values: (chart) => fitting(chart).map(([, text]) => text),
      size: 28,
    },
    { ...common, grid: { stroke: colour("line"), width: 1 }, size: 40, space: 34 },
  ];
}

// --- a chart ---

function draw(place) {
  const shown = JSON.parse(place.dataset.chart);
  const top = shown.series.findIndex(({ look }) => look === "band-top") + 1;
  const names = { value: (it, value, index, at) => (at === null ? "" : shown.names[at]) };
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      padding: [10, 8, 0, 0],
      scales: {
        x: { time: false, range: shown.range },
        y: { range: { min: { soft: 0, mode: 1, pad: 0 }, max: { soft: 0, mode: 1, pad: 0.1 } } },
      },
      axes: axes(shown),
      series: [names, ...shown.series.map((each) => series(each, shown.unit))],
      bands: top ? [{ series: [top, top + 1], fill: colour("band") }] : [],
      legend: { markers: { dash: (it, index) => borderStyle(it.series[index].dash) } },
      cursor: { y: false, drag: { x: false }, points: { size: 10 } },
    },
    [shown.x, ...shown.series.map(({ values }) => values)],
  );
  describe(chart, place.dataset);
  place.replaceChildren(chart.root);
  place.dataset.drawn = "";
  return chart;
}

function describe(chart, { title, description }) {
  const picture = chart.root.querySelector(".u-wrap");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", title);
  picture.setAttribute("aria-description", `${description} Left and right arrow read the values.`);
  picture.tabIndex = 0;
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const [x] = chart.data;
    const before = chart.cursor.idx ?? (step > 0 ? -1 : x.length);
    const at = Math.min(Math.max(before + step, 0), x.length - 1);
    chart.setCursor({ left: chart.valToPos(x[at], "x"), top: 0 });
  });
  // A table to the library; to a screen reader, news.
  chart.root.querySelector(".u-legend").setAttribute("role", "status");
}

for (const place of document.querySelectorAll("[data-chart]")) {
  let chart = draw(place);
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  night.addEventListener("change", () => {
    chart.destroy();
    chart = draw(place);
  });
}
