import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HpaMetric } from "../../src/controlplane/hpa/spec.ts";
import { eventually, type Program, up } from "../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { type Keda, startKeda } from "../env/keda.ts";
import { apply, applyAll, type Manifest, manifestsOf, pathOf } from "../env/manifests.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { KEDA_FAMILIES, kedaFamilies } from "../exporter/keda-page.ts";
import { clusterRbac } from "../install/render.ts";
import { apart, type Course } from "./course.ts";
import {
  DOWNSCALE_WINDOW_SECONDS,
  type Loop,
  loopWith,
  SCRAPE_SECONDS,
  SHAPES,
  SYNC_SECONDS,
  TOLERANCE_SECONDS,
  twinCourse,
  twinOf,
} from "./loops.ts";
import { timeoutOfRuns, undisturbed } from "./repeat.ts";

/**
 * A real KEDA scales simulated replicas: the operator's Shadows serve their metrics, a real Prometheus scrapes them, KEDA asks it and makes the
 * HPAs, kube-controller-manager acts through /scale. Held against the twin's own KEDA on the same ScaledObjects and the same traffic:
 * the HPA that it makes of them, and the replicas over time.
 */
const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

const EXAMPLE = "deploy/examples/real-autoscalers/keda/scaled-object.yaml";
const RUN_SECONDS = 62;
/** Shares of the time at which the two courses may differ by more than the tolerance: of one loop, and of all together. */
const MOST_APART = { one: 0.25, all: 0.15 };
/** From one look to the next. */
const MOST_HELD_UP_SECONDS = 1;
const RUNS_MILLIS = timeoutOfRuns(180);

/** The example's ScaledObject with other triggers; their queries ask for the loop's own namespace. */
const loopOf = (namespace: string, pattern: readonly object[], spec: object): Loop => {
  const [scaledObject] = manifestsOf(read(EXAMPLE), namespace) as [Manifest];
  scaledObject.spec = { ...(scaledObject.spec as object), pollingInterval: 2, ...spec };
  return loopWith(namespace, pattern, scaledObject);
};
const trigger = (namespace: string, metric: string, threshold: string, more: object = {}) => ({
  type: "prometheus",
  ...more,
  metadata: {
    serverAddress: "http://to-be-filled.test:9090",
    query: `sum(${metric}{namespace="${namespace}"}) or vector(0)`,
    threshold,
  },
});

const RUNNING = "vllm:num_requests_running";
const LOOPS: readonly Loop[] = [
  loopOf("ramp", SHAPES.ramp, { triggers: [trigger("ramp", RUNNING, "8")] }),
  loopOf("drain", SHAPES.drain, {
    triggers: [trigger("drain", RUNNING, "8"), trigger("drain", "vllm:num_requests_waiting", "4")],
    advanced: {
      horizontalPodAutoscalerConfig: {
        behavior: {
          scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: "Pods", value: 1, periodSeconds: 3 }] },
        },
      },
    },
  }),
  loopOf("formula", SHAPES.noise, {
    triggers: [
      trigger("formula", RUNNING, "8", { name: "running" }),
      trigger("formula", "vllm:num_requests_waiting", "4", { name: "waiting" }),
    ],
    advanced: {
      scalingModifiers: {
        formula: "let load = running / 8; max(load, waiting / 4)",
        target: "1",
        metricType: "AverageValue",
      },
    },
  }),
];

/** A metric of the twin's HPA as the API has it; KEDA makes External ones of Prometheus triggers. */
const asInTheApi = (metric: HpaMetric) => {
  if (metric.type !== "External" || metric.target.type === "Utilization")
    throw new Error(`not of a trigger: ${metric.type}`);
  const { type, milli } = metric.target;
  const value = String(milli / 1000);
  return {
    type: "External",
    external: {
      metric: { name: metric.metric, selector: { matchLabels: metric.selector } },
      target: { type, ...(type === "Value" ? { value } : { averageValue: value }) },
    },
  };
};

let plane: ControlPlane;
let operator: Program;
let prometheus: Prometheus;
let keda: Keda;

const began = new Map<string, number>();
const courses = new Map<string, { atSeconds: number; replicas: number }[]>();
/** Unix seconds of the looks of a run. */
const looks: number[] = [];
/** How many Shadows there are. */
let seen = 0;

const get = async <T>(path: string): Promise<T | undefined> => {
  const { status, body } = await plane.request("GET", path);
  return status === 200 ? (body as T) : undefined;
};
const scalePath = ({ namespace, manifests }: Loop): string =>
  `/apis/servetwin.dev/v1alpha1/namespaces/${namespace}/inferencesimulations/${(manifests[2] as Manifest).metadata.name}/scale`;
interface Hpa {
  spec: Record<string, unknown> & { metrics: unknown[] };
  status?: { conditions?: { type: string; status: string }[] };
}
const kedaHpa = ({ namespace, manifests }: Loop) =>
  get<Hpa>(
    `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers/keda-hpa-${(manifests[1] as Manifest).metadata.name}`,
  );

/** When each Shadow began (news that came at once has the least between), and what its scale is now. */
const look = async (): Promise<void> => {
  const { simulations } = (await (await fetch(`${operator.url}/api/v1/simulations`)).json()) as {
    simulations: { namespace: string; simulatedSeconds?: number }[];
  };
  const now = Date.now() / 1000;
  seen = simulations.length;
  for (const { namespace, simulatedSeconds } of simulations) {
    if (simulatedSeconds === undefined || simulatedSeconds === 0) continue;
    began.set(namespace, Math.min(began.get(namespace) ?? Number.POSITIVE_INFINITY, now - simulatedSeconds));
  }
  await Promise.all(
    LOOPS.map(async (loop) => {
      const replicas = (await get<{ spec: { replicas: number } }>(scalePath(loop)))?.spec.replicas;
      const steps = courses.get(loop.namespace) ?? [];
      courses.set(loop.namespace, steps);
      if (replicas !== undefined && steps.at(-1)?.replicas !== replicas) steps.push({ atSeconds: now, replicas });
    }),
  );
};

/** Lets the Shadows begin anew, and follows them. @returns the Unix second at which it stopped */
const run = async (): Promise<number> => {
  for (const { manifests } of LOOPS) await plane.request("DELETE", pathOf(manifests[2] as Manifest));
  await eventually(async () => (await look(), seen === 0), { what: "no Shadow" });
  // Until no HPA holds on to what it wanted for the former ones.
  await sleep((DOWNSCALE_WINDOW_SECONDS + SYNC_SECONDS) * 1000);
  began.clear();
  courses.clear();
  looks.length = 0;
  for (const { manifests } of LOOPS) await apply(plane, manifests[2] as Manifest);
  await eventually(async () => (await look(), began.size === LOOPS.length), {
    withinSeconds: 60,
    what: "all Shadows",
  });
  const until = Math.max(...began.values()) + RUN_SECONDS;
  while (Date.now() / 1000 < until) {
    await look();
    looks.push(Date.now() / 1000);
    await sleep(200);
  }
  return until;
};

/** What held the loops up in a run that ended then. */
const heldUp = async (until: number): Promise<string | undefined> => {
  const [up] = await prometheus.query(`min_over_time(up{job="servetwin"}[${RUN_SECONDS}s])`, until);
  if (up?.value !== 1) return "a scrape failed";
  const longest = Math.max(...looks.slice(1).map((at, i) => at - (looks[i] as number)));
  return longest > MOST_HELD_UP_SECONDS ? `${longest} s from one look to the next` : undefined;
};

beforeAll(async () => {
  plane = await startControlPlane({
    controllerManager: true,
    hpaSyncPeriodSeconds: SYNC_SECONDS,
    hpaDownscaleStabilizationSeconds: DOWNSCALE_WINDOW_SECONDS,
    controllerManagerFlags: ["--concurrent-horizontal-pod-autoscaler-syncs=20"],
    readyWithinSeconds: 90,
  });
  await applyAll(plane, read("crds/servetwin.dev_inferencesimulations.yaml"));
  for (const name of ["servetwin-system", ...LOOPS.map(({ namespace }) => namespace)])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const manifest of await clusterRbac()) await apply(plane, manifest);
  const user = await plane.user("system:serviceaccount:servetwin-system:servetwin");
  keda = await startKeda(plane, { readyWithinSeconds: 90 });
  operator = await up(["--kubeconfig", user.kubeconfigPath], 90);
  prometheus = await startPrometheus({
    scrape: [
      { job: "servetwin", target: new URL(operator.url).host, intervalSeconds: SCRAPE_SECONDS, honorLabels: true },
    ],
    readyWithinSeconds: 90,
  });
  for (const { manifests } of LOOPS) {
    const [deployment, scaledObject, simulation] = structuredClone(manifests) as [Manifest, Manifest, Manifest];
    const { triggers } = scaledObject.spec as { triggers: { metadata: Record<string, string> }[] };
    for (const { metadata } of triggers) metadata.serverAddress = prometheus.url;
    for (const manifest of [deployment, simulation, scaledObject]) await apply(plane, manifest);
  }
}, 300_000);

afterAll(async () => {
  await keda?.stop();
  await prometheus?.stop();
  await operator?.stop();
  await plane?.stop();
}, 60_000);

describe("a real KEDA on simulated replicas", () => {
  it.each(LOOPS.map((loop) => [loop.namespace, loop] as const))(
    "makes the HPA of %s that the twin makes of the same ScaledObject",
    async (_name, loop) => {
      const made = await eventually(() => kedaHpa(loop), {
        withinSeconds: 60,
        what: "the HPA that KEDA makes",
        detail: () => keda.log("operator"),
      });
      const own = twinOf(loop).autoscalers[0]?.spec;
      expect({ min: own?.minReplicas, max: own?.maxReplicas }).toEqual({
        min: made.spec.minReplicas,
        max: made.spec.maxReplicas,
      });
      expect(own?.metrics.map(asInTheApi)).toEqual(made.spec.metrics);
      if (own?.behavior !== undefined) expect(made.spec.behavior).toEqual(JSON.parse(JSON.stringify(own.behavior)));
    },
    90_000,
  );

  it(
    "takes the courses that the twin's own KEDA takes",
    async () => {
      // How long KEDA needs for its first HPA is no matter of the loop: the Shadows begin anew once every HPA has read its metrics.
      const acts = async (loop: Loop) =>
        (await kedaHpa(loop))?.status?.conditions?.some(
          ({ type, status }) => type === "ScalingActive" && status === "True",
        ) === true;
      await eventually(async () => (await Promise.all(LOOPS.map(acts))).every(Boolean), {
        withinSeconds: 60,
        what: "HPAs that read their metrics",
        detail: () => keda.log("operator"),
      });
      const until = await undisturbed(run, heldUp);
      const shares = LOOPS.map((loop) => {
        const { namespace } = loop;
        const start = began.get(namespace) as number;
        const steps = (courses.get(namespace) ?? []).map(({ atSeconds, replicas }) => ({
          atSeconds: atSeconds - start,
          replicas,
        }));
        const real: Course = { start: 1, steps };
        const seconds = until - start;
        const twin = twinCourse(twinOf(loop), seconds);
        const share = apart(real, twin, TOLERANCE_SECONDS, seconds);
        const lines = [real, twin].map((course) =>
          course.steps.map(({ atSeconds, replicas }) => `${atSeconds.toFixed(1)}s→${replicas}`).join(" "),
        );
        console.info(`${namespace}: apart ${(100 * share).toFixed(1)} %\nreal ${lines[0]}\ntwin ${lines[1]}`);
        expect(steps.length, `rescales of ${namespace}`).toBeGreaterThan(2);
        return share;
      });
      expect(Math.max(...shares)).toBeLessThan(MOST_APART.one);
      expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeLessThan(MOST_APART.all);
    },
    RUNS_MILLIS,
  );

  it("has on its page of metrics what the twin's has, and nothing that is not told as not simulated", async () => {
    const real = kedaFamilies(await keda.metrics());
    const missing = KEDA_FAMILIES.filter((row) => !real.includes(row)).map((row) => row.split(" ")[0]);
    // Perhaps every query found something.
    expect(missing.filter((name) => name !== "keda_scaler_empty_upstream_responses_total")).toEqual([]);
    expect(real.filter((row) => !KEDA_FAMILIES.includes(row))).toEqual([]);
  });
});
