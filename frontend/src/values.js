// The values of cells, tile by tile, apart from their shapes.
const MISSING = -32768;
const KEPT_TILES = 200;
export const AGAIN_MILLISECONDS = 5000; // as a busy site says it in Retry-After
export const MAX_ZOOM = 7;

// As airaware/web/map_page.py packs them; little-endian, as is every machine that draws maps.
function decode(buffer) {
  const [count] = new Uint32Array(buffer, 0, 1);
  const [step] = new Float32Array(buffer, 4, 1);
  const ids = new Uint32Array(buffer, 8, count);
  const steps = new Int16Array(buffer, 8 + 4 * count, 12 * count);
  const far = new Uint16Array(buffer, 8 + 28 * count, count);
  const state = (index, month) => {
    const value = steps[(month - 1) * count + index];
    return {
      value: value === MISSING ? null : value * step,
      far: ((far[index] >> (month - 1)) & 1) === 1,
    };
  };
  return { ids, state };
}

// Fetches what the map needs to see, once, and gives up what is no longer asked for. `look` is called
// when a tile could not be had, and when it is time to ask for it again.
export class Values {
  #tiles = new Map();
  #abort = new AbortController();

  constructor(address, version, look = () => {}) {
    this.address = address;
    this.version = version;
    this.look = look;
    this.failed = new Set();
  }

  // Whatever of these tiles is here; `arrived` is called for each that comes later.
  get(tiles, arrived) {
    const here = [];
    for (const tile of tiles) {
      const known = this.#tiles.get(tile);
      if (known?.ids) here.push(known);
      if (!known) this.#fetch(tile, arrived);
    }
    return here;
  }

  async #fetch(tile, arrived) {
    this.#tiles.set(tile, {});
    try {
      const response = await fetch(`${this.address}/${tile}?v=${this.version}`, {
        signal: this.#abort.signal,
      });
      if (!response.ok) throw new Error(response.statusText);
      const values = decode(await response.arrayBuffer());
      this.#tiles.set(tile, values);
      this.failed.delete(tile);
      if (this.#tiles.size > KEPT_TILES) this.#tiles.delete(this.#tiles.keys().next().value);
      arrived(values);
    } catch {
      if (this.#abort.signal.aborted) return;
      this.failed.add(tile);
      setTimeout(() => {
        this.#tiles.delete(tile);
        this.look();
      }, AGAIN_MILLISECONDS);
    }
    this.look();
  }

  abandon() {
    this.#abort.abort();
  }
}

// The tiles "z/x/y" that a map without tilt or turn shows.
export function tilesInView(map) {
  const z = Math.max(0, Math.min(MAX_ZOOM, Math.floor(map.getZoom())));
  const count = 2 ** z;
  const bounds = map.getBounds();
  const column = (longitude) => Math.floor(((longitude + 180) / 360) * count);
  const row = (latitude) => {
    const y = Math.asinh(Math.tan((latitude * Math.PI) / 180));
    return Math.min(count - 1, Math.max(0, Math.floor(((1 - y / Math.PI) / 2) * count)));
  };
  const tiles = new Set();
  for (let x = column(bounds.getWest()); x <= column(bounds.getEast()); x += 1) {
    for (let y = row(bounds.getNorth()); y <= row(bounds.getSouth()); y += 1) {
      tiles.add(`${z}/${((x % count) + count) % count}/${y}`);
    }
  }
  return tiles;
}
