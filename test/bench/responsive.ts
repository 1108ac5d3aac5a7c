import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { up } from "../e2e/program.ts";

/** How fast the operator answers /healthz while four previews run: `npm run bench:responsive` (after `npm run build`). */
const quickstart = fileURLToPath(new URL("../../deploy/examples/quickstart", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "servetwin-bench-"));
cpSync(quickstart, folder, { recursive: true });
const [preview = ""] = readFileSync(join(quickstart, "simulations.yaml"), "utf8").split("---");
const four = [1, 2, 3, 4].map((i) =>
  preview.replace("name: chat-preview", `name: preview-${i}`).replace("horizon: 2h", "horizon: 24h"),
);
writeFileSync(join(folder, "simulations.yaml"), four.join("---\n"));

const program = await up([folder, "--threads", "4"]);
// The asker's own first request (connection, compilation of fetch) is not what is measured.
await (await fetch(`${program.url}/healthz`)).text();
const took: number[] = [];
const until = Date.now() + 15_000;
while (Date.now() < until) {
  const began = performance.now();
  await (await fetch(`${program.url}/healthz`)).text();
  took.push(performance.now() - began);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const phases = (await (await fetch(`${program.url}/api/v1/simulations`)).json()) as {
  simulations: { phase: string }[];
};
await program.stop();
rmSync(folder, { recursive: true });
took.sort((a, b) => a - b);
const at = (q: number): string => `${(took[Math.floor(q * (took.length - 1))] ?? 0).toFixed(1)} ms`;
const running = phases.simulations.filter(({ phase }) => phase === "Running").length;
console.log(
  `/healthz while ${running} previews run: ${took.length} answers, p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`,
);
