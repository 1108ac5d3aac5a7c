import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { DASHBOARDS } from "../dashboards/index.ts";
import { connectPrometheus } from "../env/prometheus.ts";
import { dashboardPage, WIDTH } from "./pictures/dashboard-page.ts";
import { SLOWER, startScene } from "./pictures/scene.ts";

/**
 * Pictures of the dashboards' panels for docs/, drawn from their JSON and what a real Prometheus answers, but not by Grafana:
 * `npm run pictures:dashboards`. Takes forty minutes, since all that it shows happens in real time.
 * `-- --prometheus URL` draws what a Prometheus of one's own has of the last minutes.
 */
const { values: options } = parseArgs({
  options: { prometheus: { type: "string" }, minutes: { type: "string", default: "40" } },
});
const minutes = Number(options.minutes);
const STEP = 15;
const folder = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
const uplot = (file: string): string =>
  readFileSync(new URL(`../../node_modules/uplot/dist/${file}`, import.meta.url), "utf8");

/** What the variables are set to. */
const TWIN = { namespace: ".+", simulation: "serving/qwen3-14b", scenario: ".+" };
const VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  candidates: { ...TWIN, simulation: "serving/four-at-least" },
};

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const scene = options.prometheus === undefined ? await startScene() : undefined;
const prometheus = scene?.prometheus ?? connectPrometheus(String(options.prometheus));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  if (scene !== undefined) await wait(minutes * 60_000);
  mkdirSync(folder, { recursive: true });
  const to = Math.floor(Date.now() / 1000 / STEP) * STEP;
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    const variables = VALUES[name] ?? TWIN;
    const { page, plots } = await dashboardPage(dashboard, {
      prometheus,
      values: { ...variables, __rate_interval: "1m", __interval: `${STEP}s` },
      from: to - minutes * 60,
      to,
      step: STEP,
      caption: `Panels of dashboards/${name}.json with a real Prometheus's answers over ${minutes} minutes; not drawn by Grafana. Simulation: ${variables.simulation}. What plays production is a program of its own whose engines take ${Math.round(100 * (SLOWER - 1))} % longer than the twin believes.`,
    });
    const tab = await browser.newPage({ viewport: { width: WIDTH, height: 800 }, colorScheme: "light" });
    await tab.setContent(page);
    await tab.addStyleTag({ content: uplot("uPlot.min.css") });
    await tab.addScriptTag({ content: uplot("uPlot.iife.min.js") });
    await tab.evaluate(`for (const [id, { options, data, marks }] of Object.entries(${JSON.stringify(plots)}))
      new uPlot(options, data, document.getElementById(id)).over.insertAdjacentHTML("beforeend", marks)`);
    // What it draws comes with the next frame.
    await tab.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
    await tab.screenshot({ path: `${folder}dashboard-${name}.png`, fullPage: true });
    await tab.close();
    console.log(`wrote docs/pictures/dashboard-${name}.png`);
  }
} finally {
  await browser.close();
  await scene?.stop();
}
