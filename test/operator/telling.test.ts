import { afterEach, describe, expect, it } from "vitest";
import { Operator } from "../../src/operator/operator.ts";
import { NO_QUOTA } from "../../src/operator/quota.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import type { SimulationStatus } from "../../src/schema/simulation-status.ts";
import { WATCHED_KINDS } from "../../src/store/kinds.ts";
import { Listeners } from "../../src/store/listeners.ts";
import { ManifestObjects } from "../../src/store/manifest-objects.ts";
import { readManifests } from "../../src/store/read-manifests.ts";
import type { ObjectEvent, ObjectRef, Store } from "../../src/store/store.ts";
import { type PreviewPool, previewPool } from "../../src/worker/pool.ts";
import { eventually } from "../e2e/program.ts";

/** Objects that change when a test says so, and what is written to them. */
class HandStore implements Store {
  readonly place = "the test's hand";
  readonly synced = true;
  readonly problems = [];
  readonly written: SimulationStatus[] = [];
  readonly told: ObjectEvent[] = [];
  readonly #objects = new ManifestObjects(WATCHED_KINDS);
  readonly #changes = new Listeners<ObjectRef>();
  #heard = Promise.resolve();
  /** Those that tell something are let go. */
  hear: () => void = () => undefined;

  /** All there is. */
  say(manifests: string): void {
    for (const ref of this.#objects.replace([readManifests(manifests, "all.yaml")])) this.#changes.tell(ref);
  }

  start = () => Promise.resolve();
  get = (ref: ObjectRef) => this.#objects.get(ref);
  list = (kind: string, namespace?: string) => this.#objects.list(kind, namespace);
  onChange = (listener: (ref: ObjectRef) => void) => this.#changes.add(listener);
  onProblems = () => () => undefined;
  configMapKey = () => Promise.resolve(undefined);

  async writeStatus(ref: ObjectRef, status: unknown): Promise<void> {
    this.written.push(status as SimulationStatus);
    this.#objects.setStatus(ref, status);
    this.#changes.tell(ref);
  }

  event(_ref: ObjectRef, event: ObjectEvent): Promise<void> {
    this.told.push(event);
    return this.#heard;
  }

  /** Whoever tells something waits. */
  stopHearing(): void {
    this.#heard = new Promise((resolve) => {
      this.hear = resolve;
    });
  }
}

const manifests = ({ mode = "Preview", maxReplicas = 4, seed = 1 } = {}): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: llm, namespace: inference }
spec:
  replicas: 1
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
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: llm, namespace: inference }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: llm }
  maxReplicas: ${maxReplicas}
  metrics:
    - type: Pods
      pods: { metric: { name: "vllm:num_requests_waiting" }, target: { type: AverageValue, averageValue: "5" } }
---
apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: chat, namespace: inference }
spec:
  mode: ${mode}
  mirror: { workloads: [{ kind: Deployment, name: llm }] }
  workload: { profile: { preset: chatbot, rate: 1 } }
  run: { seed: ${seed}, bands: false${mode === "Preview" ? ", horizon: 1m" : ""} }
`;

const THREADS = new URL("../../dist/", import.meta.url);

/** Real runs in this thread, that begin when they are let. */
class HeldPool implements PreviewPool {
  readonly #pool = previewPool(THREADS, 1, { here: true, maxMebibytes: 512 });
  #free = Promise.resolve();
  asked = 0;
  release: () => void = () => undefined;

  hold(): void {
    this.#free = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  async run(...asked: Parameters<PreviewPool["run"]>): ReturnType<PreviewPool["run"]> {
    this.asked += 1;
    await this.#free;
    return this.#pool.run(...asked);
  }

  fit: PreviewPool["fit"] = (...asked) => this.#pool.fit(...asked);
  close = () => this.#pool.close();
}

const running: Operator[] = [];

/** One that is at rest; what was written until then is forgotten. */
const settled = async (quietSeconds: number, mode = "Preview") => {
  const store = new HandStore();
  store.say(manifests({ mode }));
  const pool = new HeldPool();
  const operator = new Operator({
    store,
    pool,
    threads: THREADS,
    limits: DEFAULT_LIMITS,
    quota: NO_QUOTA,
    allowedUrls: [],
    mirrorNamespaces: [],
    concurrency: 1,
    quietSeconds,
    sweepRuns: 1,
    shadowBounds: { maxMebibytes: 512 },
    log: () => undefined,
  });
  running.push(operator);
  operator.lead();
  await until(() => ["Succeeded", "Following"].includes(store.written.at(-1)?.phase ?? ""));
  store.written.splice(0);
  store.told.splice(0);
  return { store, pool, operator };
};

const until = (holds: () => boolean): Promise<unknown> => eventually(async () => holds(), { what: "that" });

afterEach(async () => {
  for (const operator of running.splice(0)) await operator.close();
});

const knownOf = ({ mirrored }: SimulationStatus): string | undefined =>
  mirrored?.find(({ path }) => path.endsWith(".maxReplicas"))?.value;

describe("what a change of something mirrored makes an operator write", () => {
  it("is one status, with the result, where the preview is soon done", async () => {
    const { store } = await settled(60);
    store.say(manifests({ maxReplicas: 7 }));
    await until(() => store.written.length > 0);
    expect(store.written.map(({ phase }) => phase)).toEqual(["Succeeded"]);
    expect(store.written.map(knownOf)).toEqual(["7"]);
    expect(store.told.map(({ reason }) => reason)).toEqual(["SimulationCompleted"]);
  });

  it("is that it runs, with the last result, once the preview has run for a while", async () => {
    const { store, pool } = await settled(0.3);
    const before = store.list("InferenceSimulation")[0]?.object.status as SimulationStatus;
    pool.hold();
    const began = performance.now();
    store.say(manifests({ maxReplicas: 7 }));
    await until(() => store.written.length > 0);
    expect(performance.now() - began).toBeGreaterThan(290);
    expect(store.written).toMatchObject([{ phase: "Running", runs: before.runs }]);
    pool.release();
    await until(() => store.written.length > 1);
    expect(store.written.map(({ phase }) => phase)).toEqual(["Running", "Succeeded"]);
    expect(store.written[1]?.inputDigest).not.toBe(before.inputDigest);
  });

  it("is one status for several changes that come before the preview is done", async () => {
    const { store, pool } = await settled(60);
    pool.hold();
    const before = pool.asked;
    for (const [i, maxReplicas] of [5, 6, 7].entries()) {
      store.say(manifests({ maxReplicas }));
      await until(() => pool.asked === before + i + 1);
    }
    pool.release();
    await until(() => store.written.length > 0);
    expect(store.written.map(knownOf)).toEqual(["7"]);
  });

  it("is one status, with figures, of a Shadow that begins anew", async () => {
    const { store } = await settled(60, "Shadow");
    store.say(manifests({ mode: "Shadow", maxReplicas: 7 }));
    await until(() => store.written.length > 0);
    expect(store.written.map(({ phase }) => phase)).toEqual(["Following"]);
    expect(store.written.map(knownOf)).toEqual(["7"]);
  });

  it("is at once that it runs where the simulation itself has changed", async () => {
    const { store, pool } = await settled(60);
    pool.hold();
    store.say(manifests({ seed: 2 }));
    await until(() => store.written.length > 0);
    expect(store.written).toMatchObject([{ phase: "Running", observedGeneration: 2 }]);
    pool.release();
    await until(() => store.written.length > 1);
    expect(store.written[1]).toMatchObject({ phase: "Succeeded", observedGeneration: 2 });
  });

  it("doesn't wait for anybody to be told of the one before", async () => {
    const { store } = await settled(60);
    store.stopHearing();
    for (const maxReplicas of [5, 6]) {
      store.say(manifests({ maxReplicas }));
      await until(() => store.written.map(knownOf).includes(String(maxReplicas)));
    }
    expect(store.told).toHaveLength(2);
    store.hear();
  });
});
