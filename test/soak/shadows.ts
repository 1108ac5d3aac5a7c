import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { eventually, up } from "../e2e/program.ts";
import { usageOf } from "./usage.ts";

/**
 * What many Shadows cost one operator: `npm run soak:shadows -- --shadows 200 --seconds 120`. Each follows a Deployment of 4 replicas
 * at 2 requests per second, paced by the wall clock; /metrics is scraped as Prometheus does.
 */
const { values } = parseArgs({
  options: {
    shadows: { type: "string", default: "200" },
    seconds: { type: "string", default: "120" },
    bands: { type: "boolean", default: false },
  },
});
const SCRAPE_EVERY_MS = 15_000;
let pageMebibytes = 0;
const [shadows, seconds] = [Number(values.shadows), Number(values.seconds)];

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: llm, namespace: inference }
spec:
  replicas: 4
  selector: { matchLabels: { app: llm } }
  template:
    metadata: { labels: { app: llm } }
    spec:
      nodeSelector: { nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3 }
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.22.0
          command: [vllm, serve, Qwen/Qwen3-14B]
          resources: { limits: { nvidia.com/gpu: "1" } }
`;
const simulation = (i: number): string => `apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: shadow-${i}, namespace: inference }
spec:
  mode: Shadow
  mirror: { workloads: [{ kind: Deployment, name: llm }] }
  workload: { profile: { preset: chatbot, rate: 2 } }
  run: { seed: ${i}, bands: ${values.bands} }
`;

const folder = mkdtempSync(join(tmpdir(), "servetwin-shadows-"));
writeFileSync(join(folder, "deployment.yaml"), deployment);
writeFileSync(join(folder, "simulations.yaml"), Array.from({ length: shadows }, (_, i) => simulation(i)).join("---\n"));
const program = await up([folder, "--log-level", "warn"], 120);

interface Summary {
  readonly phase: string;
  readonly lagSeconds?: number;
}
const all = async (): Promise<readonly Summary[]> =>
  ((await (await fetch(`${program.url}/api/v1/simulations?limit=${shadows}`)).json()) as { simulations: Summary[] })
    .simulations;

try {
  await eventually(async () => (await all()).filter(({ phase }) => phase === "Following").length === shadows, {
    what: `${shadows} Shadows that follow`,
    withinSeconds: 300,
    detail: () => program.output().slice(-2000),
  });
  const before = usageOf(program.pid)?.cpuSeconds ?? 0;
  const began = performance.now();
  const lags: number[] = [];
  const scrapes: number[] = [];
  const scraping = setInterval(async () => {
    const asked = performance.now();
    const page = await (await fetch(`${program.url}/metrics`)).arrayBuffer();
    scrapes.push((performance.now() - asked) / 1000);
    pageMebibytes = page.byteLength / 2 ** 20;
  }, SCRAPE_EVERY_MS);
  let peakMebibytes = 0;
  while (performance.now() - began < seconds * 1000) {
    await sleep(1000);
    peakMebibytes = Math.max(peakMebibytes, usageOf(program.pid)?.rssMebibytes ?? 0);
    lags.push(...(await all()).flatMap(({ lagSeconds }) => lagSeconds ?? []));
  }
  clearInterval(scraping);
  const cpuCores = ((usageOf(program.pid)?.cpuSeconds ?? 0) - before) / ((performance.now() - began) / 1000);
  lags.sort((a, b) => a - b);
  const at = (q: number): number => Number((lags[Math.floor(q * (lags.length - 1))] ?? 0).toFixed(3));
  console.log(
    JSON.stringify({
      shadows,
      seconds,
      cpuCores,
      peakMebibytes,
      pageMebibytes,
      longestScrapeSeconds: Math.max(...scrapes),
      lagSeconds: { p50: at(0.5), p99: at(0.99), max: at(1) },
    }),
  );
} finally {
  await program.stop();
  rmSync(folder, { recursive: true });
}
