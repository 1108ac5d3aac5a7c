import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

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
const command = [
  ["stty", "rows", "40", "cols", "160;"],
  ["exec", process.execPath, "dist/servetwin.js", "preview", "--simulation", "inference/chat", "--budget", budget],
  ["-f", "deploy/examples/preview/hpa.yaml", "-f", simulation, "--manifests", "deploy/examples/quickstart"],
].flat();

/** CPU time of a process and its threads so far, in a hundredth of a second: of the one that runs on the terminal. */
const cpuSeconds = (script: number): string => {
  const [child] = readFileSync(`/proc/${script}/task/${script}/children`, "utf8").split(" ");
  const fields = readFileSync(`/proc/${child}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / 100).toFixed(2);
};

const awaited = [
  ["first figures", /provisional: the first \S+ of 6h.*today/s],
  ["verdict", /verdict: /],
] as const;
const began = performance.now();
const child = spawn("script", ["-qec", command.join(" "), "/dev/null"], { stdio: ["ignore", "pipe", "inherit"] });
let text = "";
let next = 0;
child.stdout.on("data", (chunk: Buffer) => {
  text += stripVTControlCharacters(String(chunk));
  for (let point = awaited[next]; point?.[1].test(text); point = awaited[++next]) {
    const seconds = ((performance.now() - began) / 1000).toFixed(2);
    console.log(`${point[0]}: ${seconds} s, ${cpuSeconds(child.pid as number)} s of CPU`);
  }
});
child.on("close", () => {
  rmSync(folder, { recursive: true });
  if (next < awaited.length) throw new Error(`no ${awaited[next]?.[0]} came: ${text.slice(-500)}`);
});
