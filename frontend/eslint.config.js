// ESLint's recommended rules for the site's scripts: `npm run lint`.
import js from "@eslint/js";

const names = (list) => Object.fromEntries(list.split(" ").map((name) => [name, "readonly"]));
const EVERYWHERE = names("AbortController URL URLSearchParams clearTimeout console fetch setTimeout");
const BROWSER = names(
  "Option Path2D addEventListener devicePixelRatio document getComputedStyle history innerWidth"
  + " location matchMedia navigator requestAnimationFrame removeEventListener window Event"
  + " HTMLElement IntersectionObserver ResizeObserver clearInterval setInterval",
);

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { globals: EVERYWHERE },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" },
  },
  { files: ["src/**"], languageOptions: { globals: BROWSER } },
];
