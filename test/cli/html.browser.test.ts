import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { html } from "../../src/cli/formats/html.ts";
import { previewChange } from "../../src/cli/preview/preview-change.ts";
import { Platform, simulation, threeAtLeast } from "./preview/platform.ts";

const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
let browser: Browser;
let platform: Platform;
beforeAll(async () => {
  if (!existsSync(executablePath)) throw new Error(`no browser at ${executablePath}; set CHROMIUM_PATH`);
  browser = await chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
  platform = new Platform();
});
afterAll(async () => {
  platform.gone();
  await browser.close();
});

it("draws charts of both scenarios from one file, in light and dark, and asks for nothing else", async () => {
  const filename = [platform.file("change.yaml", threeAtLeast()), platform.file("simulation.yaml", simulation())];
  const { answer } = await previewChange(platform.options({ filename, budget: 1 }));
  const url = pathToFileURL(platform.file("report.html", html.compare?.(answer) ?? "")).href;
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ colorScheme });
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => request.url() !== url && complaints.push(`request to ${request.url()}`));
    await page.goto(url);
    expect(await page.locator(".chart canvas").count()).toBe(2);
    // Under the pointer the legend tells both values.
    await page.locator(".chart .u-over").first().hover();
    const legend = await page.locator(".chart .u-legend").first().innerText();
    expect(legend).toMatch(/today:?\s*[\d.]+[\s\S]*with the change:?\s*[\d.]+/);
    expect(complaints).toEqual([]);
    if (process.env.PAGE_SHOTS !== undefined)
      await page.screenshot({ path: `${process.env.PAGE_SHOTS}/report-${colorScheme}.png`, fullPage: true });
    await page.close();
  }
});
