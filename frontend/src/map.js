// The map's page: the form above chooses what is shown, the months play, a click leads to a place.
import { Map as MapLibre, setWorkerUrl } from "maplibre-gl";
import { feature, mesh } from "topojson-client";

import { colour, opacity, style, themes } from "./style.js";
import { AGAIN_MILLISECONDS, MAX_ZOOM, Values, tilesInView } from "./values.js";

const MONTH_MILLISECONDS = 1100;
// Room for what lies over the map.
const PADDING = { top: 52, right: 12, bottom: 12, left: 12 };
const LEGEND_WIDTH = 140; // as much of it as would hide California
const WIDE = 900;
const PLACES = {
  mainland: [[-125, 24.4], [-66.8, 49.5]],
  alaska: [[-172, 52], [-130, 71.5]],
  hawaii: [[-160.5, 18.8], [-154.6, 22.4]],
  "puerto-rico": [[-67.4, 17.8], [-65.2, 18.6]],
};

const element = (id) => document.getElementById(id);
const page = element("map-page");
const form = element("map-form");
const catalogue = JSON.parse(page.dataset.catalogue);
const addresses = JSON.parse(page.dataset.addresses);
const night = matchMedia("(prefers-color-scheme: dark)");
const theme = () => (night.matches ? themes.dark : themes.light);

const chosen = () => {
  const parameter = Number(form.parameter.value);
  const pollutant = catalogue.find((each) => each.parameter === parameter);
  const year = pollutant.years.find((each) => each.year === Number(form.year.value));
  const metric = pollutant.metrics.find((each) => each.name === form.metric.value);
  return { pollutant, year, metric, month: Number(form.month.value), far: form.far.checked };
};

// As exact as it is meaningful: 0.31, 4.2, 34.5, 120.
const figure = (value) => value.toFixed(value >= 99.95 ? 0 : value >= 0.995 ? 1 : 2);

// --- the form ---

// A select's options; what was chosen stays so where it still is one.
function offer(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  if (options.some(([value]) => String(value) === before)) select.value = before;
}

function offerForPollutant() {
  const parameter = Number(form.parameter.value);
  const pollutant = catalogue.find((each) => each.parameter === parameter);
  offer(form.metric, pollutant.metrics.map((each) => [each.name, each.label]));
  offer(form.year, pollutant.years.map((each) => [each.year, each.year]));
}

function showLegend() {
  const { pollutant, year, metric } = chosen();
  element("legend-title").textContent = `${pollutant.label}: ${metric.label.toLowerCase()}`;
  element("legend-unit").textContent = metric.unit;
  element("legend-ramp").style.background = `linear-gradient(90deg, ${theme().ramp.join(", ")})`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const tick = document.createElement("span");
    const value = metric.low + share * (metric.high - metric.low);
    const bound = share === 1 ? "≥ " : share === 0 && metric.low > 0 ? "≤ " : "";
    tick.textContent = bound + Number(value.toFixed(2));
    return tick;
  });
  element("legend-ticks").replaceChildren(...ticks);
  element("synthetic").hidden = !year.synthetic;
}

// The error to expect in the month, near a monitor and far from any. The browser keeps the answer.
async function showError() {
  const { pollutant, year, metric, month } = chosen();
  const name = element(`month-${month}`).nextElementSibling.textContent;
  element("legend-when").textContent = `${name} ${year.year}`;
  const address = `${addresses.errors}/${pollutant.parameter}/${year.year}?v=${year.version}`;
  const answer = await fetch(address);
  const found = answer.ok && await answer.json();
  const now = chosen();
  if (now.year !== year || now.metric !== metric || now.month !== month) return;
  const { near, far } = found ? found[metric.errs_as][month - 1] : {};
  const what = metric.errs_as === "daily" ? "Expected error of a day" : "Expected error";
  const unknown = found ? "not known (too few monitors)" : "not available now";
  const within = [...new Set((near ?? []).map(figure))].join(" to ");
  element("legend-error").textContent = `${what}: ${within ? `± ${within} ${pollutant.unit}` : unknown}.`;
  element("legend-far").textContent = far ? `, ± ${figure(far)} ${pollutant.unit}` : "";
}

function showInAddress(map) {
  const { pollutant, year, metric, month, far } = chosen();
  const { lng, lat } = map.getCenter();
  const query = new URLSearchParams({
    parameter: pollutant.parameter, metric: metric.name, year: year.year, month,
    at: `${lat.toFixed(3)},${lng.toFixed(3)},${map.getZoom().toFixed(2)}`,
    ...(far ? {} : { far: "no" }),
  });
  history.replaceState(null, "", `?${query}`);
  element("center").href = airAt({ lat, lng });
}

const airAt = ({ lat, lng }) =>
  `${addresses.air}?${new URLSearchParams({
    address: `${lat.toFixed(4)}, ${(((lng + 540) % 360) - 180).toFixed(4)}`,
    year: form.year.value,
  })}#pollutant-${form.parameter.value}`;

// --- the map ---

// Tiles of shapes that could not be had.
const lost = new Set();
const nameOf = ({ z, x, y }) => `${z}/${x}/${y}`;

function askAgainForShapes(map) {
  map.on("error", ({ error, tile }) => {
    if (!tile) return console.error(error);
    const { canonical } = tile.tileID;
    lost.add(nameOf(canonical));
    return setTimeout(() => map.refreshTiles("cells", [canonical]), AGAIN_MILLISECONDS);
  });
  map.on("sourcedata", ({ tile }) => { if (tile) lost.delete(nameOf(tile.tileID.canonical)); });
}

async function outlines(name, object) {
  const topology = await (await fetch(addresses[name])).json();
  return { topology, object: topology.objects[object] };
}

const room = (place) =>
  place === "mainland" && innerWidth > WIDE ? { ...PADDING, left: LEGEND_WIDTH } : PADDING;

// Where the page's address says, or the 48 states.
function whereToBegin(query) {
  const [latitude, longitude, zoom] = (query.get("at") ?? "").split(",").map(Number);
  if (Math.abs(latitude) <= 85 && Math.abs(longitude) <= 180 && zoom >= 0) {
    return { center: [longitude, latitude], zoom };
  }
  return { bounds: PLACES.mainland, fitBoundsOptions: { padding: room("mainland") } };
}

async function begin() {
  const query = new URLSearchParams(location.search);
  form.far.checked = query.get("far") !== "no";
  offerForPollutant();
  showLegend();
  const { topology, object } = await outlines("states", "states");
  const states = { land: feature(topology, object), borders: mesh(topology, object) };
  setWorkerUrl(new URL(addresses.worker, location.href).href);
  const { metric, far } = chosen();
  const map = new MapLibre({
    container: "map",
    style: style(
      theme(), metric, far, new URL(addresses.tiles, location.href).href
        .replaceAll("%7B", "{").replaceAll("%7D", "}"),
      MAX_ZOOM, states,
    ),
    ...whereToBegin(query),
    minZoom: 1.5,
    maxZoom: 11,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    // Its quick second tap would be taken for a zoom, not for the opening of the place.
    doubleClickZoom: false,
    renderWorldCopies: true,
    fadeDuration: 0,
  });
  askAgainForShapes(map);
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.getCanvas().setAttribute("aria-label", "Map of the air: arrows move it, + and − zoom");
  return map;
}

function connect(map) {
  let values;
  const load = () => {
    values?.abandon();
    const { pollutant, year, metric } = chosen();
    const address = `${addresses.values}/${pollutant.parameter}/${year.year}/${metric.name}`;
    values = new Values(address, year.version, look);
    map.removeFeatureState({ source: "cells", sourceLayer: "cells" });
    paint();
  };
  const colourTile = (tile) => {
    const { month } = chosen();
    tile.ids.forEach((id, index) => {
      map.setFeatureState({ source: "cells", sourceLayer: "cells", id }, tile.state(index, month));
    });
    page.dataset.month = month;
  };
  const paint = () => values.get(tilesInView(map), colourTile).forEach(colourTile);
  const look = () => {
    const tiles = tilesInView(map);
    values.get(tiles, colourTile);
    const missing = [...tiles].some((tile) => lost.has(tile) || values.failed.has(tile));
    element("missing").textContent = missing
      ? "Part of the map cannot be had right now. It is asked for again every few seconds." : "";
  };
  const restyle = () => {
    const { metric, far } = chosen();
    map.setPaintProperty("cells", "fill-color", colour(theme(), metric));
    map.setPaintProperty("cells", "fill-opacity", opacity(far));
    for (const [layer, name] of [["water", "background"], ["land", "fill"]]) {
      map.setPaintProperty(layer, `${name}-color`, theme()[layer]);
    }
    map.setPaintProperty("states", "line-color", theme().state);
    map.setPaintProperty("counties", "line-color", theme().county);
    showLegend();
  };

  let counties;
  const showCounties = async () => {
    if (counties || map.getZoom() < 5) return;
    counties = outlines("counties", "counties");
    const { topology, object } = await counties;
    const inner = mesh(topology, object, (a, b) => a !== b);
    map.getSource("counties").setData(inner);
  };

  // The months, too, which lie outside of the form's element.
  page.addEventListener("change", ({ target }) => {
    if (target === form.parameter) offerForPollutant();
    if (target.name !== "month") restyle();
    if (["parameter", "metric", "year"].includes(target.name)) load();
    else paint();
    showError();
    showInAddress(map);
  });
  night.addEventListener("change", restyle);
  map.on("move", look);
  map.on("error", look);
  map.on("sourcedata", ({ tile }) => { if (tile) look(); });
  map.on("moveend", () => {
    paint();
    showCounties();
    showInAddress(map);
  });
  load();
  showError();
  showCounties();
  showInAddress(map);
}

// --- what people do with it ---

function play() {
  const button = element("play");
  let timer;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    button.setAttribute("aria-pressed", "false");
  };
  const next = () => {
    const month = (Number(form.month.value) % 12) + 1;
    form.month.value = month;
    element(`month-${month}`).dispatchEvent(new Event("change", { bubbles: true }));
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    button.setAttribute("aria-pressed", "true");
    next();
    timer = setInterval(next, MONTH_MILLISECONDS);
    return undefined;
  });
  form.month.forEach((month) => month.addEventListener("click", stop));
}

function point(map) {
  const tip = element("tip");
  let here;
  let tapped;
  const cellAt = ({ x, y }) => map.queryRenderedFeatures([x, y], { layers: ["cells"] })[0];
  const show = ({ point: { x, y } }) => {
    here = { point: { x, y } };
    const cell = cellAt(here.point);
    const state = cell ? map.getFeatureState(cell) : {};
    const { metric, far } = chosen();
    tip.hidden = typeof state.value !== "number" || (state.far && !far);
    if (tip.hidden) return;
    tip.textContent = `${figure(state.value)} ${metric.unit}`
      + (state.far ? ", far from any monitor" : "");
    const width = map.getContainer().clientWidth;
    tip.style.transform = `translate(${Math.min(x + 14, width - tip.offsetWidth - 6)}px, ${y + 16}px)`;
  };
  map.on("mousemove", show);
  page.addEventListener("change", () => { if (!tip.hidden) show(here); });
  map.on("mouseout", () => { tip.hidden = true; });
  // A finger cannot hover: its first tap on a cell shows the value, its second opens the place.
  map.on("click", (event) => {
    const id = cellAt(event.point)?.id;
    const open = event.originalEvent.pointerType !== "touch" || (id !== undefined && id === tapped);
    if (open) return location.assign(airAt(event.lngLat));
    tapped = id;
    return show(event);
  });
  map.getCanvas().addEventListener("keydown", ({ key }) => {
    if (key === "Enter") location.assign(airAt(map.getCenter()));
  });
  element("zoom-in").addEventListener("click", () => map.zoomIn());
  element("zoom-out").addEventListener("click", () => map.zoomOut());
  element("places").addEventListener("click", ({ target }) => {
    const bounds = PLACES[target.dataset.place];
    if (bounds) map.fitBounds(bounds, { padding: room(target.dataset.place), maxDuration: 1500 });
  });
}

async function start() {
  try {
    const map = await begin();
    await new Promise((resolve) => { map.once("load", resolve); });
    connect(map);
    point(map);
    play();
    page.classList.add("ready");
    map.once("idle", () => { page.dataset.drawn = "yes"; });
  } catch (error) {
    element("no-map-why").textContent = "This browser cannot draw the map: it needs WebGL.";
    console.error(error);
  }
}

start();
