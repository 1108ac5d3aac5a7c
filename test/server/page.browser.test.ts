import { existsSync, mkdirSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SimulationDetail } from "../../src/server/view.ts";
import { hostile, preview, shadow } from "./simulations.ts";
import { start } from "./start.ts";

/** Set PAGE_SHOTS to a folder to look at the pages that the test sees. */
const shots = process.env.PAGE_SHOTS;
const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describe("the page in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    if (!existsSync(executablePath)) throw new Error(`no browser at ${executablePath}; set CHROMIUM_PATH`);
    browser = await chromium.launch({ executablePath, headless: true, args: QUIET });
  });
  afterAll(() => browser?.close());

  /** A page that notes every complaint of the browser and every request that leaves the server. */
  const open = async (
    url: string,
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:"))
        complaints.push(`request to ${request.url()}`);
    });
    await page.goto(url);
    return { page, complaints };
  };

  const shot = async (page: Page, name: string): Promise<void> => {
    if (shots === undefined) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  };

  it.each([
    { name: "desk, light", width: 1280, colorScheme: "light" },
    { name: "desk, dark", width: 1280, colorScheme: "dark" },
    { name: "phone, light", width: 375, colorScheme: "light" },
    { name: "phone, dark", width: 375, colorScheme: "dark" },
  ] as const)("is readable on a $name", async ({ name, width, colorScheme }) => {
    const { url } = await start([preview(), shadow()], { problems: () => ["hpa.yaml:3: not YAML"] });
    for (const path of ["/", "/simulations/inference/chat"]) {
      const { page, complaints } = await open(url + path, { viewport: { width, height: 900 }, colorScheme });
      expect(complaints).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      const charts = page.locator("svg");
      expect(await charts.count()).toBe(6);
      for (const box of await Promise.all((await charts.all()).map((chart) => chart.boundingBox()))) {
        expect(box?.width).toBeGreaterThan(250);
        expect(box?.height).toBeGreaterThan(100);
      }
      const [ground, line] = (await page.evaluate(
        `["body", "path.line.s0"].map((at) => { const style = getComputedStyle(document.querySelector(at)); return at === "body" ? style.backgroundColor : style.stroke; })`,
      )) as [string, string];
      const light = (colour: string): number =>
        (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765;
      expect(light(ground) > 0.5).toBe(colorScheme === "light");
      expect(Math.abs(light(ground) - light(line))).toBeGreaterThan(0.25);
      await shot(page, `${name}${path.replaceAll("/", "-")}`);
      await page.close();
    }
  });

  it("counts everybody who came to no answer, and calls a band a band", async () => {
    const { url } = await start([preview()]);
    const { page } = await open(`${url}/simulations/inference/chat`);
    const tile = (name: string) => page.locator("dl.kpis > div", { hasText: name }).innerText();
    expect(await tile("Requests completed")).toContain(
      "3,135 failed (3,000 shed, 132 expired in the gateway, 3 rejected)",
    );
    expect(await tile("TTFT p99")).toContain("p10 – p90: 8.1 s – 11.3 s");
    await page.close();
  });

  it("brings itself up to date and leaves alone what the reader does", async () => {
    const simulations: SimulationDetail[] = [preview()];
    const { url } = await start(simulations);
    const { page, complaints } = await open(`${url}/simulations/inference/chat`, {
      viewport: { width: 800, height: 500 },
    });
    await page.locator("#spec summary").click();
    await page.evaluate("window.scrollTo(0, 300)");
    simulations[0] = preview({ phase: "Succeeded", verdict: "Passed" });
    await page.getByText("objectives: Passed").waitFor({ timeout: 15_000 });
    expect(await page.locator("#spec").getAttribute("open")).toBe("");
    expect(await page.evaluate("window.scrollY")).toBe(300);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("says so when the server is gone", async () => {
    const server = await start([preview()]);
    const { page } = await open(server.url);
    expect(await page.locator(".stale").isVisible()).toBe(false);
    await server.close();
    await page.locator(".stale").waitFor({ state: "visible", timeout: 15_000 });
    await page.close();
  });

  it("runs nothing that comes from outside", async () => {
    const { url } = await start([hostile()]);
    const { page, complaints } = await open(url);
    await page.evaluate("window.alert = () => { window.alerted = true }");
    await page.waitForTimeout(300);
    expect(await page.evaluate("window.alerted")).toBeUndefined();
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("works without scripts", async () => {
    const { url } = await start([preview()]);
    const { page } = await open(url, { javaScriptEnabled: false });
    expect(await page.locator("svg").count()).toBe(3);
    expect(
      await page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]').count(),
    ).toBeGreaterThan(0);
    await page.close();
  });
});
