import { existsSync, mkdirSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plain } from "../../src/server/amount.ts";
import type { RunView, SimulationDetail } from "../../src/server/view.ts";
import { hostile, preview, shadow, timeline } from "./simulations.ts";
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
    { name: "phone, light", width: 390, colorScheme: "light" },
    { name: "phone, dark", width: 390, colorScheme: "dark" },
  ] as const)("is readable on a $name", async ({ name, width, colorScheme }) => {
    const { url } = await start([preview(), shadow()], { problems: () => ["hpa.yaml:3: not YAML"] });
    for (const path of ["/", "/simulations/inference/chat"]) {
      const { page, complaints } = await open(url + path, { viewport: { width, height: 900 }, colorScheme });
      expect(complaints).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      const charts = page.locator(path === "/" ? "svg" : "figure.live canvas");
      await charts.first().waitFor();
      expect(await charts.count()).toBe(6);
      for (const box of await Promise.all((await charts.all()).map((chart) => chart.boundingBox()))) {
        expect(box?.width).toBeGreaterThan(250);
        expect(box?.height).toBeGreaterThan(100);
      }
      const [ground, line] = (await page.evaluate(
        `["body", "path.line.s0", "figure.live .key.c0"].flatMap((at) => { const found = document.querySelector(at); if (found === null) return []; const style = getComputedStyle(found, at.includes("key") ? "::before" : null); return at.startsWith("path") ? style.stroke : style.backgroundColor; })`,
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

  /** Baseline in three replications, and a candidate. */
  const compared = (): SimulationDetail => {
    const [first] = preview().runs as [RunView];
    const scaled = (scenario: string, factor: number): RunView => ({
      ...first,
      scenario,
      timeline: {
        ...first.timeline,
        columns: Object.fromEntries(
          Object.entries(first.timeline.columns).map(([name, values]) => [name, values.map((one) => one * factor)]),
        ),
      },
    });
    return preview({ runs: [1, 1.2, 0.8].map((by) => scaled("baseline", by)).concat(scaled("two-more", 2)) });
  };
  const charts = async (over: Parameters<Browser["newPage"]>[0] = {}) => {
    const { url } = await start([compared()]);
    const opened = await open(`${url}/simulations/inference/chat`, over);
    await opened.page.locator("#live-replicas canvas").waitFor();
    return {
      ...opened,
      url,
      told: opened.page.locator("#charts output"),
      range: opened.page.locator("#charts .range"),
    };
  };

  it("tells the values and decisions under the pointer, in every chart at once", async () => {
    const { page, complaints, told } = await charts();
    const plot = page.locator("#live-queue .u-over");
    // 12,135 s of 21,600: where the autoscaler acted.
    const box = await plot.boundingBox();
    await plot.hover({ position: { x: ((box?.width ?? 0) * 12_120) / 21_600, y: 40 } });
    await expect.poll(() => told.innerText()).toContain("at 3 h 22 min");
    expect(await told.innerText()).toContain("vllm-llama-8b 2 → 4, pods metric");
    const { columns, atSeconds } = timeline();
    const running = columns.running?.[atSeconds.indexOf(12_120)] as number;
    expect(await page.locator("#live-queue .key", { hasText: "baseline running" }).innerText()).toContain(
      plain(running),
    );
    expect(await page.locator("#live-ttft .key b").first().innerText()).not.toBe("");
    await page.mouse.move(0, 0);
    await expect.poll(() => told.innerText()).toBe("");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("zooms where the reader drags, all charts together, and back", async () => {
    const { page, complaints, range } = await charts();
    expect(await range.innerText()).toBe("0 s to 6 h");
    const box = (await page.locator("#live-queue .u-over").boundingBox()) as { x: number; y: number; width: number };
    await page.mouse.move(box.x + box.width / 4, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 30, { steps: 5 });
    // The chart follows the pointer once per frame.
    await page.waitForTimeout(200);
    await page.mouse.up();
    await expect.poll(() => range.innerText()).toMatch(/^1 h (29|30|31) min to (2 h 59 min|3 h|3 h 1 min)$/);
    await page.locator("#live-rate .u-over").dblclick();
    await expect.poll(() => range.innerText()).toBe("0 s to 6 h");
    await page.getByRole("button", { name: "Zoom in" }).click();
    await expect.poll(() => range.innerText()).toBe("1 h 30 min to 4 h 30 min");
    await page.getByRole("button", { name: "Show the whole run" }).click();
    expect(await range.innerText()).toBe("0 s to 6 h");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("goes by keyboard alone", async () => {
    const { page, complaints, told, range } = await charts();
    await page.locator("#live-replicas").focus();
    await expect.poll(() => told.innerText()).toContain("at 0 s · baseline ready");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => told.innerText()).toContain("at 1 min");
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(() => told.innerText()).toContain("at 11 min");
    await page.keyboard.press("End");
    await expect.poll(() => told.innerText()).toContain("at 5 h 59 min");
    await page.keyboard.press("Home");
    await page.keyboard.press("+");
    await expect.poll(() => range.innerText()).toBe("0 s to 3 h");
    await page.keyboard.press("End");
    await expect.poll(() => range.innerText()).toBe("3 h to 6 h");
    await page.keyboard.press("Escape");
    await expect.poll(() => range.innerText()).toBe("0 s to 6 h");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("live-queue");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("shows and hides scenarios, and keeps range and choice when the page brings itself up to date", async () => {
    const simulations = [compared()];
    const { url } = await start(simulations);
    const { page, complaints } = await open(`${url}/simulations/inference/chat`);
    const keys = page.locator("#live-queue .key");
    await expect.poll(() => keys.count()).toBe(4);
    await page.getByLabel("two-more").uncheck();
    expect(await keys.count()).toBe(2);
    await page.getByRole("button", { name: "Zoom in" }).click();
    simulations[0] = { ...compared(), verdict: "Passed" };
    await page.getByText("objectives: Passed").waitFor({ timeout: 15_000 });
    expect(await keys.count()).toBe(2);
    expect(await page.locator("#charts .range").innerText()).toBe("1 h 30 min to 4 h 30 min");
    expect(await page.locator("figure.live canvas").count()).toBe(6);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("changes between light and dark at a press, and remembers it", async () => {
    const { page, complaints } = await charts({ colorScheme: "light" });
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const ink = () =>
      page.evaluate(
        `(() => { const canvas = document.querySelector("#live-replicas canvas"); const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data; let sum = 0; for (const one of all) sum += one; return sum; })()`,
      );
    const before = [await ground(), await ink()];
    expect(before[0]).toBe("rgb(246, 247, 249)");
    await page.getByRole("button", { name: "Change to dark colours" }).click();
    await expect.poll(ground).toBe("rgb(15, 18, 22)");
    await expect.poll(ink).not.toBe(before[1]);
    await page.reload();
    expect(await ground()).toBe("rgb(15, 18, 22)");
    await page.getByRole("button", { name: "Change to light colours" }).click();
    await expect.poll(ground).toBe("rgb(246, 247, 249)");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("keeps the server's drawings, and says why, where the figures can't be had", async () => {
    const { url } = await start([compared()]);
    const page = await browser.newPage();
    await page.route("**/timelines", (route) => route.fulfill({ status: 500, body: "no" }));
    await page.goto(`${url}/simulations/inference/chat`);
    await page.getByText("figures can't be loaded (the server answered 500)").waitFor();
    expect(await page.locator("#charts svg").count()).toBe(6);
    await page.close();
  });

  it("folds the derivation tree by keyboard", async () => {
    const { page } = await charts();
    const fold = page.locator("#mirrored details").first();
    expect(await fold.getAttribute("open")).toBe("");
    await fold.locator("summary").first().focus();
    await page.keyboard.press("Enter");
    expect(await fold.getAttribute("open")).toBeNull();
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
