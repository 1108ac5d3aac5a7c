import { performance } from "node:perf_hooks";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { metricsPage } from "../../src/exporter/metrics-page.ts";
import { readAssets } from "../../src/server/assets.ts";
import { startServer } from "../../src/server/server.ts";
import { preview } from "../server/simulations.ts";

/** Weight of the pages, time until they stand and how long they block, with 500 simulations: `npm run bench:page`. */
const SIMULATIONS = 500;
/** The page asks for itself anew every three seconds. */
const WATCHED_MILLISECONDS = 7000;
const assets = readAssets(new URL("../../dist/browser/", import.meta.url));
const simulations = Array.from({ length: SIMULATIONS }, (_, i) =>
  preview({ name: `chat-${String(i).padStart(3, "0")}` }),
);
const server = await startServer(
  {
    version: "bench",
    assets,
    place: "memory",
    problems: () => [],
    notReady: () => undefined,
    metrics: async (accept) => metricsPage([], [], accept),
    simulations: () => simulations,
    simulation: (_namespace, name) => simulations.find((one) => one.name === name),
    sweep: () => undefined,
    failed: (error) => {
      throw error;
    },
  },
  { host: "127.0.0.1", port: 0 },
);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const DETAIL = "/simulations/inference/chat-250";
const API = `/api/v1${DETAIL}/timelines`;

const weigh = async (path: string): Promise<string> => {
  const took: number[] = [];
  let body = "";
  for (let i = 0; i < 7; i += 1) {
    const begin = performance.now();
    body = await (await fetch(server.url + path)).text();
    took.push(performance.now() - begin);
  }
  const sent = gzipSync(body, { level: 4 }).length;
  return `${path}: ${kilobytes(body.length)}, ${kilobytes(sent)} gzipped, answered in ${median(took).toFixed(0)} ms`;
};

/** Times are of the browser, from when it began to load the page. */
const look = async (path: string): Promise<string> => {
  const painted: number[] = [];
  const stood: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(server.url + path);
    if (path === DETAIL) await page.locator("#live-tokens canvas").waitFor();
    stood.push(await page.evaluate<number>("performance.now()"));
    painted.push(
      await page.evaluate<number>(`performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN`),
    );
    await page.close();
  }
  return `${path}: first paint after ${median(painted).toFixed(0)} ms, stands after ${median(stood).toFixed(0)} ms, ${await longest(path)}`;
};

/** Longest time for which the page can't react, while it brings itself up to date: another simulation changed each time. */
const longest = async (path: string): Promise<string> => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(server.url + path);
  await page.evaluate(
    `window.longest = 0; new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration); }).observe({ type: "longtask" })`,
  );
  for (let waited = 0; waited < WATCHED_MILLISECONDS; waited += 1000) {
    const changed = waited / 1000;
    simulations[changed] = preview({ name: `chat-00${changed}`, progress: waited / WATCHED_MILLISECONDS });
    await page.waitForTimeout(1000);
  }
  const blocked = await page.evaluate<number>("window.longest");
  await page.close();
  return `blocked for ${blocked.toFixed(0)} ms at most (below 50 ms isn't told)`;
};

try {
  const files = ["page.js", "page.css"].map((file) => `/assets/${assets.digest}/${file}`);
  const lists = ["/", `/?limit=${SIMULATIONS}`];
  for (const path of [...lists, DETAIL, ...files, `/api/v1/simulations?limit=${SIMULATIONS}`, API])
    console.log(await weigh(path));
  for (const path of [...lists, DETAIL]) console.log(await look(path));
} finally {
  await browser.close();
  await server.close();
}
