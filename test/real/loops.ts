/** The control loops that are run twice, by the real HPA controller and by the twin's own: one namespace each. */
import { readFileSync } from "node:fs";
import { describeProblem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { rngOf } from "../../src/sim/rng.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { type Manifest as Mirrorable, mirror } from "../../src/twin/mirror.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { type Manifest, manifestsOf } from "../env/manifests.ts";
import type { Course } from "./course.ts";

// biome-ignore lint/suspicious/noExplicitAny: manifests are changed in any place.
type Json = any;

export const SYNC_SECONDS = 2;
export const SCRAPE_SECONDS = 1;
export const DOWNSCALE_WINDOW_SECONDS = 5;
/** What one loop may be later than the other: a sync, since each has a phase of its own, and the age of the sample that it goes by. */
export const TOLERANCE_SECONDS = SYNC_SECONDS + SCRAPE_SECONDS;

const example = (file: string): string =>
  readFileSync(new URL(`../../deploy/examples/real-autoscalers/${file}`, import.meta.url), "utf8");

export const ADAPTER_CONFIG = example("prometheus-adapter.yaml");

export const SHAPES = {
  ramp: [{ shape: "ramp", at: "8s", duration: "40s", from: 0.8, to: 4.6 }],
  // Its height is one at which no level hangs on the phase of the syncs, whichever level the loop comes from.
  spike: [{ shape: "spike", at: "15s", duration: "15s", factor: 6.5 }],
  // Levels that last longer than the loop is late, a replica apart: what is between is seen by chance of the phase.
  noise: [
    {
      shape: "windows",
      windows: [1, 1.5, 2.75, 1.5, 2.75, 1].map((factor, i) => ({
        start: `${i * 11}s`,
        end: `${i * 11 + 11}s`,
        factor,
      })),
    },
  ],
  drain: [
    { shape: "ramp", at: "6s", duration: "24s", from: 1, to: 4.2 },
    { shape: "windows", windows: [{ start: "0s", end: "36s", factor: 1 }] },
  ],
} satisfies Readonly<Record<string, readonly object[]>>;

/**
 * `undefined`: the older limits, which hold where an HPA has no behavior. No window is a multiple of the sync period: whether a
 * rescale is then just within it hangs on how long the API server took to write it.
 */
const BEHAVIORS: Readonly<Record<string, object | undefined>> = {
  plain: undefined,
  paced: {
    scaleUp: { policies: [{ type: "Pods", value: 2, periodSeconds: 3 }] },
    scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: "Pods", value: 1, periodSeconds: 3 }] },
  },
};

export interface Loop {
  readonly namespace: string;
  /** Deployment, HPA or ScaledObject of the simulation, InferenceSimulation, as a user applies them. */
  readonly manifests: readonly Manifest[];
}

/** The example's objects with the shape's traffic, and all that takes minutes cut to seconds. @param owner what scales the simulation */
export const loopWith = (namespace: string, pattern: readonly object[], owner: Manifest): Loop => {
  const [deployment, simulation] = ["vllm-llama-8b.yaml", "simulation.yaml"].map((file) => exampleOf(file, namespace));
  const { spec } = simulation;
  const quick = { mean: "50ms" };
  spec.overrides = {
    replicas: spec.replicas,
    engine: { maxNumSeqs: 256 },
    start: { schedule: quick, imagePull: quick, modelLoad: quick, engineInit: quick },
    autoscaler: { syncPeriod: `${SYNC_SECONDS}s`, downscaleStabilization: `${DOWNSCALE_WINDOW_SECONDS}s` },
    // Evenly, so that it matters little which pod is scraped when.
    gateway: { policy: { policy: "round-robin" } },
    metrics: { scrapeInterval: `${SCRAPE_SECONDS * 1000}ms` },
  };
  const tokens = (count: number) => ({ distribution: "constant", tokens: count });
  const client = { name: "even", rate: 20, arrival: { process: "constant" }, prompt: tokens(200), output: tokens(50) };
  spec.workload = { synthetic: { clients: [client], pattern } };
  return { namespace, manifests: [deployment, owner, simulation] };
};

/** The one object of a file of the example. */
const exampleOf = (file: string, namespace: string): Json => manifestsOf(example(file), namespace)[0] as Json;

export const loopOf = (namespace: string, pattern: readonly object[], metrics: object[], behavior?: object): Loop => {
  const hpa = exampleOf("hpa.yaml", namespace);
  hpa.spec.metrics = metrics;
  if (behavior !== undefined) hpa.spec.behavior = behavior;
  return loopWith(namespace, pattern, hpa);
};

export const RUNNING = "vllm_num_requests_running";
const running = [
  { type: "External", external: { metric: { name: RUNNING }, target: { type: "AverageValue", averageValue: "8" } } },
];

/** Every shape under each behavior. */
export const LOOPS: readonly Loop[] = Object.entries(SHAPES).flatMap(([shape, pattern]) =>
  Object.entries(BEHAVIORS).map(([name, behavior]) => loopOf(`${shape}-${name}`, pattern, running, behavior)),
);

/** The same objects with the autoscaler where it is in production, at the Deployment, for the twin's own controller. */
export const twinOf = ({ manifests }: Loop): Scenario => {
  const [deployment, owner, simulation] = structuredClone(manifests) as Json[];
  owner.spec.scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: deployment.metadata.name };
  delete simulation.spec.replicas;
  simulation.spec.mirror.autoscaler.driver = "Simulated";
  const parsed = parseSimulation(simulation, {});
  if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join("\n"));
  const objects: readonly Mirrorable[] = [deployment, owner];
  const mirrored = mirror(
    parsed.value,
    {
      get: (kind, _namespace, name) => objects.find((one) => one.kind === kind && one.metadata.name === name),
      list: (kind) => objects.filter((one) => one.kind === kind),
    },
    { limits: DEFAULT_LIMITS },
  );
  if (!mirrored.ok) throw new Error(mirrored.problems.map(describeProblem).join("\n"));
  return mirrored.value.scenario;
};

/** The same with the HPA's syncs at other instants: the twin draws the first one by the object's name. */
export const syncedAt = (scenario: Scenario, firstSeconds: number, periodSeconds: number): Scenario => {
  const syncPeriodMicros = Math.round(periodSeconds * 1e6);
  const autoscalers = scenario.autoscalers.map((autoscaler) => {
    const drawn = (name: string): number =>
      rngOf(scenario.seed).stream(`hpa/${autoscaler.namespace}/${name}`).below(syncPeriodMicros) / 1e6;
    const off = (name: string): number => Math.abs(drawn(name) - (firstSeconds % periodSeconds));
    const names = Array.from({ length: 1000 }, (_, i) => `${autoscaler.name}-${i}`);
    const name = names.reduce((best, one) => (off(one) < off(best) ? one : best));
    return { ...autoscaler, name, syncPeriodMicros };
  });
  return { ...scenario, autoscalers };
};

/** What the twin's own HPA makes of it. */
export const twinCourse = (scenario: Scenario, untilSeconds: number): Course => {
  const steps: { atSeconds: number; replicas: number }[] = [];
  const world = new World(scenario, (fact) => {
    if (fact.kind === "scaled") steps.push({ atSeconds: fact.at / 1e6, replicas: fact.to });
  });
  world.runUntil((untilSeconds * 1e6) as SimTime);
  return { start: scenario.workloads[0]?.replicas ?? 0, steps };
};
