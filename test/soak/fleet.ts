import type { ControlPlane } from "../env/control-plane.ts";
import { apply, type Manifest, pathOf } from "../env/manifests.ts";

/** A cluster's worth of objects, changed at random, and what the operator must come to know of them. */
export interface FleetOptions {
  readonly simulations: number;
  /** Of them; the others are Previews. */
  readonly shadows: number;
  /** Deployments and HPAs together; a pair of them per workload. */
  readonly objects: number;
  readonly namespaces: number;
}

export interface Simulated {
  readonly namespace: string;
  readonly name: string;
  /** The Deployment and HPA that it mirrors. */
  readonly workload: string;
}

export interface SimulationObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly generation: number };
  readonly spec: { readonly mode: string; readonly run: { readonly seed: number } };
  readonly status?: {
    readonly phase?: string;
    readonly inputDigest?: string;
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly mirrored?: readonly { readonly path: string; readonly value: string }[];
    readonly runs?: readonly { readonly digest: string }[];
  };
}

interface Scaler {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly maxReplicas: number };
}

const deployment = (namespace: string, name: string): Manifest => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        nodeSelector: { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" },
        containers: [
          {
            name: "vllm",
            image: "vllm/vllm-openai:v0.22.0",
            command: ["vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct"],
            args: ["--max-model-len=8192"],
            resources: { limits: { "nvidia.com/gpu": "1" } },
          },
        ],
      },
    },
  },
});

const autoscaler = (namespace: string, name: string): Manifest => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name, namespace },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    minReplicas: 1,
    maxReplicas: 4,
    metrics: [
      {
        type: "Pods",
        pods: { metric: { name: "vllm:num_requests_waiting" }, target: { type: "AverageValue", averageValue: "5" } },
      },
    ],
  },
});

const simulation = (
  { namespace, name, workload }: Simulated,
  mode: "Preview" | "Shadow",
  horizon: string,
): Manifest => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace },
  spec: {
    mode,
    mirror: { workloads: [{ kind: "Deployment", name: workload }] },
    workload: {
      synthetic: {
        clients: [
          {
            name: "chat",
            rate: 0.2,
            prompt: { distribution: "normal", mean: 500, deviation: 100, min: 10 },
            output: { distribution: "normal", mean: 100, deviation: 20, min: 5 },
          },
        ],
      },
    },
    run: { seed: 1, bands: false, ...(mode === "Preview" ? { horizon } : {}) },
  },
});

/** Runs all, so many at the same time. */
const inTurns = async <T>(items: readonly T[], act: (item: T) => Promise<void>, width = 16): Promise<void> => {
  const left = [...items];
  const one = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: width }, one));
};

export class Fleet {
  readonly simulated: readonly Simulated[];
  readonly #plane: ControlPlane;
  readonly #options: FleetOptions;
  readonly #workloads: readonly { readonly namespace: string; readonly name: string }[];
  #mirroredChanges = 0;
  #changes = 0;

  constructor(plane: ControlPlane, options: FleetOptions) {
    this.#plane = plane;
    this.#options = options;
    this.#workloads = Array.from({ length: Math.floor(options.objects / 2) }, (_, i) => ({
      namespace: `team-${i % options.namespaces}`,
      name: `llm-${i}`,
    }));
    this.simulated = Array.from({ length: options.simulations }, (_, i) => {
      const { namespace = "", name: workload = "" } = this.#workloads[i % this.#workloads.length] ?? {};
      return { namespace, workload, name: `sim-${i}` };
    });
  }

  get changes(): number {
    return this.#changes;
  }

  /** Those that a simulation must run again for. */
  get mirroredChanges(): number {
    return this.#mirroredChanges;
  }

  async create(): Promise<void> {
    for (let i = 0; i < this.#options.namespaces; i += 1)
      await apply(this.#plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: `team-${i}` } });
    await inTurns(this.#workloads, async ({ namespace, name }) => {
      await apply(this.#plane, deployment(namespace, name));
      await apply(this.#plane, autoscaler(namespace, name));
    });
    await inTurns(
      this.simulated.map((one, i) => simulation(one, i < this.#options.shadows ? "Shadow" : "Preview", "5m")),
      (manifest) => apply(this.#plane, manifest),
    );
  }

  /** A preview that takes a while, to be disturbed. */
  async long(name: string): Promise<Simulated> {
    const one = { ...(this.simulated.at(-1) as Simulated), name };
    await apply(this.#plane, simulation(one, "Preview", "7d"));
    return one;
  }

  /** So that the next operator doesn't run it again for its series. @throws unless the API server does it */
  async forget(one: Simulated): Promise<void> {
    const path = placeOf(one);
    const { status } = await this.#plane.request("DELETE", path);
    if (status !== 200) throw new Error(`DELETE ${path} answers ${status}`);
  }

  /** @param draw a number of [0, 1): one object changes, one in ten times one that is simulated. Never throws. */
  async change(draw: () => number): Promise<void> {
    const mirrored = draw() < 0.1;
    const most = mirrored ? this.simulated.length : this.#workloads.length;
    const { namespace = "", name = "" } = this.#workloads[Math.floor(draw() * most) % this.#workloads.length] ?? {};
    const value = 2 + Math.floor(draw() * 30);
    const isScaler = draw() < 0.5;
    const path = pathOf({
      apiVersion: isScaler ? "autoscaling/v2" : "apps/v1",
      kind: isScaler ? "HorizontalPodAutoscaler" : "Deployment",
      metadata: { name, namespace },
    });
    const body = isScaler
      ? { spec: { maxReplicas: value } }
      : { metadata: { annotations: { touched: String(value) } } };
    try {
      const { status } = await this.#plane.request("PATCH", path, body);
      if (status !== 200) return;
    } catch {
      // The API server is away: whether it has done it, the check will see.
      return;
    }
    this.#changes += 1;
    if (isScaler && this.simulated.some((one) => one.workload === name)) this.#mirroredChanges += 1;
  }

  async list(): Promise<readonly SimulationObject[]> {
    return this.#all<SimulationObject>("/apis/servetwin.dev/v1alpha1/inferencesimulations");
  }

  async get(one: Simulated): Promise<SimulationObject> {
    const { body } = await this.#plane.request("GET", placeOf(one));
    return body as SimulationObject;
  }

  /** @throws unless the API server gives them */
  async #all<T>(path: string): Promise<readonly T[]> {
    const { status, body } = await this.#plane.request("GET", path);
    if (status !== 200) throw new Error(`${path} answers ${status}`);
    return (body as { items: readonly T[] }).items;
  }

  /** The last value of each autoscaler: what simulations must know once they are at rest. */
  async maxReplicas(): Promise<ReadonlyMap<string, number>> {
    const scalers = await this.#all<Scaler>("/apis/autoscaling/v2/horizontalpodautoscalers");
    return new Map(scalers.map(({ metadata, spec }) => [`${metadata.namespace}/${metadata.name}`, spec.maxReplicas]));
  }

  /** What is not as it must be at the end: every last change is seen, and what can be finished is. */
  unsettled(objects: readonly SimulationObject[], maxReplicas: ReadonlyMap<string, number>): string[] {
    const seen = new Set(objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    const workloads = new Map(this.simulated.map((one) => [`${one.namespace}/${one.name}`, one.workload]));
    const missing = [...workloads.keys()].filter((key) => !seen.has(key)).map((key) => `${key} is not there`);
    const found = objects.flatMap(({ metadata, spec, status }) => {
      const key = `${metadata.namespace}/${metadata.name}`;
      const workload = workloads.get(key);
      if (workload === undefined) return [];
      const wrong: string[] = [];
      const phase = spec.mode === "Shadow" ? "Following" : "Succeeded";
      if (status?.phase !== phase) wrong.push(`is ${status?.phase}, not ${phase}`);
      if (status?.observedGeneration !== metadata.generation) wrong.push("speaks of an old generation");
      const known = status?.mirrored?.find(({ path }) => path.endsWith(".maxReplicas"))?.value;
      const last = maxReplicas.get(`${metadata.namespace}/${workload}`);
      if (known !== String(last)) wrong.push(`knows maxReplicas ${known}, not ${last}`);
      return wrong.map((what) => `${key} ${what}`);
    });
    return [...missing, ...found];
  }
}

const placeOf = ({ namespace, name }: Simulated): string =>
  `/apis/servetwin.dev/v1alpha1/namespaces/${namespace}/inferencesimulations/${name}`;
