import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setImmediate } from "node:timers";

import { AGAIN_MILLISECONDS, MAX_ZOOM, tilesInView, Values } from "../src/values.js";

const MISSING = -32768;
const fetched = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = fetched;
});

// A tile as airaware/web/map_page.py packs it: `months` has twelve rows of a step per cell, `far` a
// bit per month.
function packed(step, ids, months, far) {
  const count = ids.length;
  const buffer = new ArrayBuffer(8 + 30 * count);
  new Uint32Array(buffer, 0, 1)[0] = count;
  new Float32Array(buffer, 4, 1)[0] = step;
  new Uint32Array(buffer, 8, count).set(ids);
  new Int16Array(buffer, 8 + 4 * count, 12 * count).set(months.flat());
  new Uint16Array(buffer, 8 + 28 * count, count).set(far);
  return buffer;
}

// Answers every request with this; `asked` gets the addresses.
function serve(answer) {
  const asked = [];
  globalThis.fetch = async (address) => {
    asked.push(address);
    return answer();
  };
  return asked;
}

const good = (buffer) => () => ({ ok: true, arrayBuffer: async () => buffer });
const arrival = (values, tile) => new Promise((resolve) => values.get([tile], resolve));

test("a tile has a value and a mark per cell and month", async () => {
  const months = Array.from({ length: 12 }, (_, month) => [month, MISSING]);
  const asked = serve(good(packed(0.5, [7, 9], months, [0b10, 0])));
  const tile = await arrival(new Values("/map/values", "3"), "4/3/5");
  assert.deepEqual(asked, ["/map/values/4/3/5?v=3"]);
  assert.deepEqual([...tile.ids], [7, 9]);
  assert.deepEqual(tile.state(0, 1), { value: 0, far: false });
  assert.deepEqual(tile.state(0, 2), { value: 0.5, far: true });
  assert.deepEqual(tile.state(0, 12), { value: 5.5, far: false });
  assert.deepEqual(tile.state(1, 2), { value: null, far: false });
});

test("a tile that is here is not fetched again", async () => {
  const asked = serve(good(packed(1, [1], Array(12).fill([2]), [0])));
  const values = new Values("/v", "1");
  const tile = await arrival(values, "0/0/0");
  assert.deepEqual(values.get(["0/0/0"], assert.fail), [tile]);
  assert.equal(asked.length, 1);
});

const soon = () => new Promise((resolve) => setImmediate(resolve));

test("a tile that could not be had is asked for again, but not at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = serve(() => ({ ok: false, statusText: "busy" }));
  const looks = [];
  const values = new Values("/v", "1", () => looks.push([...values.failed]));
  values.get(["0/0/0"], assert.fail);
  await soon();
  assert.deepEqual(looks, [["0/0/0"]]);
  values.get(["0/0/0"], assert.fail);
  assert.equal(asked.length, 1);
  t.mock.timers.tick(AGAIN_MILLISECONDS);
  assert.equal(looks.length, 2);
  serve(good(packed(1, [1], Array(12).fill([2]), [0])));
  await arrival(values, "0/0/0");
  await soon();
  assert.deepEqual(looks.at(-1), []);
});

test("nobody looks for what was given up", async () => {
  globalThis.fetch = (_, { signal }) => new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const values = new Values("/v", "1", assert.fail);
  values.get(["0/0/0"], assert.fail);
  values.abandon();
  await soon();
  assert.equal(values.failed.size, 0);
});

function view(zoom, west, south, east, north) {
  const bounds = {
    getWest: () => west, getSouth: () => south, getEast: () => east, getNorth: () => north,
  };
  return { getZoom: () => zoom, getBounds: () => bounds };
}

test("the tiles in view are those of the zoom's grid", () => {
  assert.deepEqual([...tilesInView(view(0.4, -180, -85, 179, 85))], ["0/0/0"]);
  assert.deepEqual([...tilesInView(view(1, -120, 10, -80, 60))], ["1/0/0"]);
  assert.deepEqual([...tilesInView(view(2, -100, 30, -80, 50))].sort(), ["2/0/1", "2/1/1"]);
});

test("beyond the date line the count goes on from the other side", () => {
  const across = tilesInView(view(2, 170, 10, 190, 20));
  assert.deepEqual([...across].sort(), ["2/0/1", "2/3/1"]);
});

test("no zoom asks for finer tiles than there are", () => {
  for (const tile of tilesInView(view(11.7, -87.7, 41.8, -87.6, 41.9))) {
    assert.equal(tile.split("/")[0], String(MAX_ZOOM));
  }
});
