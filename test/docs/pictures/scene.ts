import { CHAT, LivePrograms, simulation } from "../../dashboards/live.ts";
import { freePorts } from "../../env/daemon.ts";
import { type Prometheus, startPrometheus } from "../../env/prometheus.ts";

/** How much slower the engines of what plays production are than the twin believes. */
export const SLOWER = 1.15;
const NAME = "qwen3-14b";
const CLIENTS = [{ ...CHAT, rate: 14, output: { distribution: "lognormal", mean: 350, deviation: 250, max: 2000 } }];

export interface Scene {
  readonly prometheus: Prometheus;
  stop(): Promise<void>;
}

/**
 * What the pictures of dashboards show, in real time: a program that plays production, a spike of traffic in it and
 * its engines slower than they should be; a real Prometheus; and a twin that follows production by that Prometheus, beside
 * a finished preview with a candidate.
 */
export const startScene = async (): Promise<Scene> => {
  const programs = new LivePrograms();
  const [port] = (await freePorts(1)) as [number];
  const production = simulation(NAME, {
    export: { naming: "Production" },
    overrides: { engine: { latencyCorrections: { stepFactor: SLOWER } } },
    workload: {
      synthetic: { clients: CLIENTS, pattern: [{ shape: "spike", at: "6m", duration: "8m", factor: 2.5 }] },
    },
    run: { seed: 2, bands: false },
  });
  const prometheus = await startPrometheus({
    scrape: [
      await programs.start("production", [production]),
      { job: "servetwin", target: `127.0.0.1:${port}`, intervalSeconds: 2, honorLabels: true },
    ],
  });
  await programs.start("servetwin", twins(prometheus.url), [
    "--listen",
    `127.0.0.1:${port}`,
    "--allow-url",
    prometheus.url,
  ]);
  return {
    prometheus,
    async stop() {
      await programs.stop();
      await prometheus.stop();
    },
  };
};

const twins = (url: string): readonly object[] => [
  simulation(NAME, { workload: { prometheus: { url, step: "10s", delay: "40s" } }, run: { seed: 1 } }),
  simulation("four-at-least", {
    mode: "Preview",
    workload: { synthetic: { clients: CLIENTS, pattern: [{ shape: "spike", at: "6m", duration: "8m", factor: 2.5 }] } },
    candidates: [
      {
        name: "four-at-least",
        patches: [{ target: { kind: "HorizontalPodAutoscaler" }, merge: { spec: { minReplicas: 4 } } }],
      },
    ],
    run: { seed: 3, horizon: "25m" },
  }),
];
