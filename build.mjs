// Bundles the program: one file for command line and operator, one per worker thread, one for use as a library, and
// script and style sheet of the page.
// A bundle, because npm's "overrides" don't reach those who install a package, and because it starts five times faster.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

// Built aside and moved in, so that whoever runs the last build finds it until the new one is whole.
const [dist, fresh] = ["dist", `dist.${process.pid}`];
await build({
  entryPoints: {
    servetwin: "src/cli/main.ts",
    index: "src/index.ts",
    "preview-thread": "src/worker/preview-thread.ts",
    "shadow-thread": "src/worker/shadow-thread.ts",
    "side-by-side-thread": "src/worker/side-by-side-thread.ts",
  },
  outdir: fresh,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20.19",
  // piscina starts threads from a file of its own, which a bundle can't hold.
  external: ["piscina"],
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  legalComments: "linked",
  logLevel: "warning",
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
