import { cpSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { eventually, up } from "../e2e/program.ts";
import { temporaryDirectory } from "../env/daemon.ts";

/** Pictures of the page for docs/, of the real program with the examples: `npm run pictures:page`. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const examples = temporaryDirectory("page-pictures");
for (const name of ["quickstart", "candidates"])
  cpSync(`${root}deploy/examples/${name}`, examples.path, { recursive: true });
const folder = `${root}docs/pictures/`;
/** Of the example with candidates, of the quickstart's objects. */
const DETAIL = "/simulations/inference/chat-candidates";

const PICTURES = [
  { file: "page-list.png", path: "/", colorScheme: "light", width: 1100, height: 900 },
  { file: "page-detail-light.png", path: DETAIL, colorScheme: "light", width: 1100, height: 1000 },
  { file: "page-detail-dark.png", path: DETAIL, colorScheme: "dark", width: 1100, height: 1000 },
  { file: "page-detail-phone.png", path: DETAIL, colorScheme: "light", width: 390, height: 844 },
] as const;

const program = await up([examples.path]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await eventually(
    async () => {
      const answer = await fetch(`${program.url}/api/v1/simulations`);
      const { simulations } = (await answer.json()) as { simulations: { mode: string; phase: string }[] };
      const previews = simulations.filter(({ mode }) => mode === "Preview");
      return previews.length > 1 && previews.every(({ phase }) => phase === "Succeeded" || phase === "Failed");
    },
    { withinSeconds: 300, what: "finished previews", detail: () => program.output() },
  );
  mkdirSync(folder, { recursive: true });
  for (const { file, path, colorScheme, width, height } of PICTURES) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(program.url + path);
    if (path === DETAIL) {
      await page.locator("#live-replicas canvas").waitFor();
      await page.locator("#charts").evaluate((charts) => charts.scrollIntoView());
      await page.locator("#live-queue .u-over").hover();
    }
    await page.screenshot({ path: `${folder}${file}` });
    await page.close();
    console.log(`wrote docs/pictures/${file}`);
  }
} finally {
  await browser.close();
  await program.stop();
  examples.remove();
}
