// What the map looks like. Colours that the colour-blind can tell apart, from ColorBrewer: by day
// YlOrBr, where dark is much; by night its reverse, where bright is much.
const RAMP = ["#ffffe5", "#fff0b0", "#fed976", "#fe9929", "#d95f0e", "#993404", "#5a1f05"];
const FAR_OPACITY = 0.35;

export const themes = {
  light: {
    water: "#dfe8ea", land: "#f7f8f7", county: "#33403d", state: "#33403d", ramp: RAMP,
  },
  dark: {
    water: "#0b1211", land: "#1a2523", county: "#dfe9e6", state: "#dfe9e6",
    ramp: [...RAMP].reverse(),
  },
};

export function colour(theme, scale) {
  const span = (scale.high - scale.low) / (theme.ramp.length - 1);
  const stops = theme.ramp.flatMap((each, index) => [scale.low + index * span, each]);
  const value = ["feature-state", "value"];
  return [
    "case",
    ["==", ["typeof", value], "number"],
    ["interpolate", ["linear"], ["number", value, 0], ...stops],
    "rgba(0, 0, 0, 0)",
  ];
}

export function opacity(withFar) {
  return ["case", ["boolean", ["feature-state", "far"], false], withFar ? FAR_OPACITY : 0, 0.92];
}

export function style(theme, scale, withFar, tiles, maxzoom, states) {
  const nothing = { type: "FeatureCollection", features: [] };
  return {
    version: 8,
    sources: {
      cells: { type: "vector", tiles: [tiles], maxzoom },
      land: { type: "geojson", data: states.land },
      states: { type: "geojson", data: states.borders },
      counties: { type: "geojson", data: nothing },
    },
    layers: [
      { id: "water", type: "background", paint: { "background-color": theme.water } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": theme.land } },
      {
        id: "cells", type: "fill", source: "cells", "source-layer": "cells",
        paint: {
          "fill-color": colour(theme, scale),
          "fill-opacity": opacity(withFar),
          "fill-antialias": false,
        },
      },
      {
        id: "counties", type: "line", source: "counties", minzoom: 5,
        paint: { "line-color": theme.county, "line-opacity": 0.25, "line-width": 0.6 },
      },
      {
        id: "states", type: "line", source: "states",
        paint: {
          "line-color": theme.state,
          "line-opacity": 0.55,
          "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.6, 8, 1.8],
        },
      },
    ],
  };
}
