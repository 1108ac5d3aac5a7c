import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTerminal } from "./on-terminal.ts";

/**
 * Time until `servetwin preview` of 6 h shows its first figures on a terminal, and until its verdict after so many pairs of
 * replications: `npm run bench:preview`, with the budget as its argument (1). On Linux, with script(1) for the terminal.
 */
const budget = process.argv[2] ?? "1";
const folder = mkdtempSync(join(tmpdir(), "servetwin-bench-"));
const simulation = join(folder, "simulation.yaml");
writeFileSync(
  simulation,
  `apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: chat, namespace: inference }
spec:
  mirror: { workloads: [{ kind: Deployment, name: vllm-llama-8b }] }
  workload:
    synthetic:
      clients:
        - { name: chat, rate: 2.2, prompt: { distribution: lognormal, mean: 900, deviation: 800, max: 12000 }, output: { distribution: lognormal, mean: 300, deviation: 250, max: 4000 } }
  objectives: [{ metric: ttft, percentile: 99, atMost: 1s }]
  run: { horizon: 6h, warmUp: 10m }
`,
);
const args = [
  ["preview", "--simulation", "inference/chat", "--budget", budget],
  ["-f", "deploy/examples/preview/hpa.yaml", "-f", simulation, "--manifests", "deploy/examples/quickstart"],
].flat();
try {
  const seen = await onTerminal(args, [
    ["first figures", /provisional: the first \S+ of 6h.*today/s],
    ["verdict", /verdict: /],
  ]);
  for (const { name, wallSeconds, cpuSeconds } of seen)
    console.log(`${name}: ${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU`);
} finally {
  rmSync(folder, { recursive: true });
}
