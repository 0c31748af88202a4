import assert from "node:assert/strict";
import { test } from "node:test";

import { colour, opacity, style, themes } from "../src/style.js";

test("the ramp reaches from the scale's low to its high end", () => {
  const ramp = colour(themes.light, { low: 10, high: 70 })[2];
  const stops = ramp.slice(3);
  assert.deepEqual(stops.filter((_, index) => index % 2 === 0), [10, 20, 30, 40, 50, 60, 70]);
  assert.deepEqual(stops.filter((_, index) => index % 2 === 1), themes.light.ramp);
});

test("by night the ramp runs from dark to bright", () => {
  assert.deepEqual(themes.dark.ramp, [...themes.light.ramp].reverse());
});

test("cells far from any monitor are faint, or not shown", () => {
  assert.equal(opacity(true)[2], 0.35);
  assert.equal(opacity(false)[2], 0);
});

test("a style draws cells between land and borders", () => {
  const states = { land: "land", borders: "borders" };
  const made = style(themes.light, { low: 0, high: 1 }, true, "/tiles/{z}/{x}/{y}", 7, states);
  assert.deepEqual(made.layers.map((layer) => layer.id), ["water", "land", "cells", "counties", "states"]);
  assert.deepEqual(made.sources.cells, { type: "vector", tiles: ["/tiles/{z}/{x}/{y}"], maxzoom: 7 });
  for (const layer of made.layers.filter((each) => each.source)) {
    assert.ok(layer.source in made.sources, layer.id);
  }
});
