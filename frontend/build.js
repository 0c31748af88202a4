// Bundles the front end into the site's static files, and compresses them: `npm run build`.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const target = new URL("../airaware/web/static/build/", import.meta.url);
const installed = (name) => fileURLToPath(import.meta.resolve(name));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  entryPoints: ["map.js", "map.css", "charts.js", "charts.css"].map((name) => `src/${name}`),
  outdir: fileURLToPath(target),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
});
// The fleet's dashboards are one page: what it runs goes into it, so it is a script and not a module.
await build({
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  entryPoints: ["src/dashboards.js", "src/dashboards.css"],
  outdir: fileURLToPath(new URL("../airaware/host/dashboards/build/", import.meta.url)),
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2023",
});
// MapLibre's worker comes as one file; a strict Content-Security-Policy forbids it as a blob.
await copyFile(installed("maplibre-gl/dist/maplibre-gl-worker.mjs"), new URL("map-worker.js", target));
for (const outlines of ["states", "counties"]) {
  await copyFile(installed(`us-atlas/${outlines}-10m.json`), new URL(`${outlines}.json`, target));
}
for (const name of await readdir(target)) {
  const content = await readFile(new URL(name, target));
  await writeFile(new URL(`${name}.gz`, target), gzipSync(content, { level: 9 }));
}
