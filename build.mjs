// Bundles the program: what starts it and its bundle, which is kept compiled; the same of a preview's thread; the other
// threads; the library; script and style sheet of the page.
// A bundle, because npm's "overrides" don't reach those who install a package, and because it starts five times faster.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";
import { buildBundles, forNode } from "./bundles.mjs";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

// Built aside and moved in, so that whoever runs the last build finds it until the new one is whole.
const [dist, fresh] = ["dist", `dist.${process.pid}`];
const bundles = await buildBundles(
  { program: "src/cli/program.ts", "preview-thread": "src/worker/preview-thread.ts" },
  `${fresh}/bundles`,
);

await build({
  ...forNode,
  entryPoints: { servetwin: "src/cli/main.ts", "preview-thread": "src/worker/compiled-preview-thread.ts" },
  outdir: fresh,
  format: "esm",
  define: { BUNDLES: JSON.stringify(bundles) },
});
await build({
  ...forNode,
  entryPoints: {
    index: "src/index.ts",
    "shadow-thread": "src/worker/shadow-thread.ts",
    "side-by-side-thread": "src/worker/side-by-side-thread.ts",
  },
  outdir: fresh,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});
await build({
  entryPoints: ["src/browser/page.ts", "src/browser/page.css"],
  outdir: `${fresh}/browser`,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  legalComments: "inline",
  logLevel: "warning",
});
// What reports in HTML carry inside them.
mkdirSync(`${fresh}/assets`);
for (const file of ["uPlot.iife.min.js", "uPlot.min.css"])
  copyFileSync(`node_modules/uplot/dist/${file}`, `${fresh}/assets/${file}`);
chmodSync(`${fresh}/servetwin.js`, 0o755);
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
console.error(`servetwin ${version} built in dist/`);
