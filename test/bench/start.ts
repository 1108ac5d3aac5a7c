import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../../src/validation/score.ts";
import { firstByteSeconds, onTerminal } from "./on-terminal.ts";

/**
 * Time until the program says something: `npm run bench:start`, with the number of rounds as its argument (10). A small run
 * is the quickstart's Deployment with one replica and 200 s of 5 requests/s. On Linux, with script(1) for the terminal.
 */
const rounds = Number(process.argv[2] ?? "10");
const folder = mkdtempSync(join(tmpdir(), "servetwin-bench-"));
const deployment = readFileSync("deploy/examples/quickstart/vllm-llama-8b.yaml", "utf8");
writeFileSync(join(folder, "deployment.yaml"), deployment.replace("replicas: 2", "replicas: 1"));
writeFileSync(
  join(folder, "simulation.yaml"),
  `apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: small, namespace: inference }
spec:
  mirror: { workloads: [{ kind: Deployment, name: vllm-llama-8b }] }
  workload:
    synthetic:
      clients:
        - { name: chat, rate: 5, prompt: { distribution: constant, tokens: 500 }, output: { distribution: constant, tokens: 250 } }
  run: { horizon: 200s }
`,
);
const run = ["run", "-f", folder];

const figures = async (): Promise<readonly (readonly [string, number])[]> => {
  const seen = await onTerminal(run, [
    ["run, on a terminal: first figures", /provisional.*TTFT p50/s],
    ["run, on a terminal: all of them", /latency.*time to first token/s],
  ]);
  return [
    ["--version", await firstByteSeconds(["--version"])],
    ["run --no-bands, in a pipe", await firstByteSeconds([...run, "--no-bands"])],
    ["run, in a pipe", await firstByteSeconds(run)],
    ...seen.map(({ name, wallSeconds }) => [name, wallSeconds] as const),
  ];
};

try {
  // The first start keeps what it compiles.
  await figures();
  const all = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, seconds] of await figures()) all.set(name, [...(all.get(name) ?? []), seconds]);
  }
  console.log(`${"seconds, least and median of".padEnd(38)}${rounds}`);
  for (const [name, times] of all) {
    console.log(`${name.padEnd(38)}${Math.min(...times).toFixed(2)} ${median(times).toFixed(2)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
