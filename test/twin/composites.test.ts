import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dump, loadAll } from "js-yaml";
import { describe, expect, it } from "vitest";
import { type Prepared, prepare } from "../../src/cli/prepare.ts";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import { World } from "../../src/twin/world.ts";
import type { Json } from "./quickstart.ts";

/* Objects whose controllers make the workloads, as in deploy/examples, from their manifests to requests that end. */

const root = new URL("../../", import.meta.url);
const objectsIn = (folder: string): Json[] => {
  const path = fileURLToPath(new URL(`${folder}/`, root));
  return readdirSync(path).flatMap((file) => loadAll(readFileSync(path + file, "utf8")) as Json[]);
};
const the = (objects: readonly Json[], kind: string, name?: string): Json =>
  objects.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));

const prepared = async (objects: readonly Json[], simulation: string): Promise<Prepared> => {
  const store = manifestStore([{ file: "all.yaml", text: objects.map((object) => dump(object)).join("---\n") }]);
  expect(store.problems.map(describeProblem)).toEqual([]);
  const stored = store.list("InferenceSimulation").find(({ object }) => object.metadata.name === simulation);
  return prepare(store, stored as Json, DEFAULT_LIMITS, []);
};
const shown = ({ values }: Prepared, path: string): string => {
  const found = values.find((one) => one.path === path);
  return found === undefined ? "" : `${String(found.value)} ${describeSource(found.from)}`;
};
const told = ({ warnings }: Prepared): string => warnings.map(describeProblem).join("\n");

/** Requests that end within a short run. */
const finished = async (objects: readonly Json[], simulation: string): Promise<number> => {
  const copy = structuredClone(objects);
  const one = the(copy, "InferenceSimulation", simulation);
  one.spec.run = { horizon: "40s" };
  const { scenario } = await prepared(copy, simulation);
  let ends = 0;
  const world = new World(scenario, (fact) => {
    if (fact.kind === "finished") ends += 1;
  });
  while (world.next !== undefined) world.step();
  return ends;
};

/** What a controller has made of the decode or prefill of llama-70b. */
const live = (name: string, labels: Json): Json => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "serving" },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        nodeSelector: { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" },
        containers: [
          {
            name: "main",
            command: ["vllm", "serve", "meta-llama/Llama-3.3-70B-Instruct", "--tensor-parallel-size=4"],
            resources: { limits: { "nvidia.com/gpu": "4" } },
          },
        ],
      },
    },
  },
});

describe("an LLMInferenceService", () => {
  const objects = objectsIn("deploy/examples/kserve");
  const ISVC = "LLMInferenceService/serving/llama-70b";

  it("sends its pool's requests to the sidecar that the controller puts before a server that decodes", async () => {
    expect(told(await prepared(objects, "llama-70b"))).not.toMatch(/sends requests to port/);
  });

  it("is its decode and prefill, each value at the field that says it", async () => {
    const read = await prepared(objects, "llama-70b");
    const [decode, prefill] = ["workloads[llama-70b-kserve]", "workloads[llama-70b-kserve-prefill]"];
    expect(shown(read, `${decode}.madeFrom`)).toBe(`${ISVC} derived: made by KServe v0.20's controller, rendered here`);
    expect(shown(read, `${decode}.replicas`)).toBe(`2 ${ISVC} spec.replicas`);
    expect(shown(read, `${prefill}.replicas`)).toBe(`2 ${ISVC} spec.prefill.replicas`);
    expect(shown(read, `${decode}.parallelism.tp`)).toBe(`4 ${ISVC} spec.parallelism.tensor`);
    expect(shown(read, `${decode}.model.id`)).toBe(`meta-llama/Llama-3.3-70B-Instruct ${ISVC} spec.model.uri`);
    expect(shown(read, `${decode}.engine.maxModelLen`)).toBe(`32768 ${ISVC} spec.template.containers[0].env[0].value`);
    expect(shown(read, `${decode}.stop.shutdownTimeoutSeconds`)).toMatch(
      /^45 default: KServe v0.20: kserve-config-llm-decode-template/,
    );
    expect(shown(read, "gateway.profileHandler")).toMatch(/^disagg-profile-handler /);
    expect(read.scenario.workloads.map(({ podLabels }) => podLabels?.["llm-d.ai/role"])).toEqual(["decode", "prefill"]);
  });

  it("offloads KV as its kvCacheOffloading says", async () => {
    const offloading = structuredClone(objects);
    the(offloading, "LLMInferenceService").spec.kvCacheOffloading = {
      cpu: "40Gi",
      secondary: [{ fileSystem: { pvc: { ref: { name: "kv-shared" } } } }],
    };
    const read = await prepared(offloading, "llama-70b");
    // 40 GiB over four ranks, at 655360 bytes per block and GPU.
    expect(shown(read, "workloads[llama-70b-kserve].engine.offload.hostBlocks")).toBe(
      `16384 ${ISVC} spec.kvCacheOffloading`,
    );
    expect(told(read)).not.toMatch(/offload/i);
    the(offloading, "LLMInferenceService").spec.kvCacheOffloading.cpu = "much";
    const broken = await prepared(offloading, "llama-70b");
    expect(shown(broken, "workloads[llama-70b-kserve].engine.offload.hostBlocks")).toBe("");
    expect(told(broken)).toContain('spec.kvCacheOffloading.cpu: must be an amount of memory such as 10Gi, not "much"');
  });

  it("of which none prefills serves all the same, and is told; of which none decodes is refused", async () => {
    const idle = structuredClone(objects);
    const { spec } = the(idle, "LLMInferenceService");
    spec.prefill.replicas = 0;
    expect(told(await prepared(idle, "llama-70b"))).toContain(
      `${ISVC}: spec.prefill.replicas: no replica prefills for llama-70b, and nobody would start one; those that decode compute its prompts; set at least 1`,
    );
    expect(await finished(idle, "llama-70b")).toBeGreaterThan(20);
    spec.prefill.replicas = 1;
    spec.replicas = 0;
    await expect(prepared(idle, "llama-70b")).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({
          severity: "error",
          object: ISVC,
          field: "spec.replicas",
          message: "no replica decodes for llama-70b, and nobody would start one; every request would be refused",
        }),
      ]),
    });
  });

  it("builds on KServe's own configurations without a word, on others where they are", async () => {
    const based = structuredClone(objects);
    const { spec } = the(based, "LLMInferenceService");
    spec.baseRefs = [{ name: "kserve-config-llm-scheduler" }, { name: "wide" }];
    delete spec.parallelism;
    based.push({
      apiVersion: "serving.kserve.io/v1alpha2",
      kind: "LLMInferenceServiceConfig",
      metadata: { name: "wide", namespace: "kserve" },
      spec: { parallelism: { tensor: 4 } },
    });
    const read = await prepared(based, "llama-70b");
    expect(told(read)).not.toContain("baseRefs");
    expect(read.scenario.workloads[0]?.parallelism.tp).toBe(4);
    spec.baseRefs = [{ name: "nowhere" }];
    spec.parallelism = { tensor: 4 };
    expect(told(await prepared(based, "llama-70b"))).toContain(
      "LLMInferenceServiceConfig nowhere, which is neither in namespace serving nor in kserve",
    );
  });

  it("claims the devices that its annotations ask for", async () => {
    const claiming = structuredClone(objects);
    const { metadata, spec } = the(claiming, "LLMInferenceService");
    const annotation = (name: string) => `serving.kserve.io/exp-dra-${name}`;
    metadata.annotations = {
      [annotation("device-class")]: "gpu.nvidia.com",
      [annotation("device-count")]: "4",
      [annotation("cel-selector")]: "device.attributes['gpu.nvidia.com'].productName == 'NVIDIA H200'\n",
    };
    for (const { template } of [spec, spec.prefill]) {
      delete template.nodeSelector;
      delete template.containers[0].resources;
    }
    const read = await prepared(claiming, "llama-70b");
    for (const path of ["workloads[llama-70b-kserve]", "workloads[llama-70b-kserve-prefill]"]) {
      const from = (name: string): string => `${ISVC} metadata.annotations["${annotation(name)}"]`;
      expect(shown(read, `${path}.gpusPerReplica`)).toBe(`4 ${from("device-count")}`);
      expect(shown(read, `${path}.gpu`)).toBe(`H200-SXM ${from("cel-selector")}`);
    }
    metadata.annotations[annotation("device-count")] = "four";
    await expect(prepared(claiming, "llama-70b")).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({
          object: ISVC,
          field: `metadata.annotations["${annotation("device-count")}"]`,
          message: 'must be a whole number >= 0, not "four"',
        }),
      ]),
    });
  });

  describe("with adapters", () => {
    const withAdapters = (lora: Json, change?: (spec: Json) => void): Json[] => {
      const own = structuredClone(objects);
      const { spec } = the(own, "LLMInferenceService");
      spec.model.lora = lora;
      change?.(spec);
      return own;
    };
    const sql = { name: "sql", uri: "hf://acme/llama-sql-lora" };
    const path = "workloads[llama-70b-kserve].engine.lora";

    it("has vLLM's flags for them, of prefill and decode alike", async () => {
      const read = await prepared(
        withAdapters({ adapters: [sql, { name: "law", uri: "pvc://adapters/law" }], maxRank: 64, maxAdapters: 2 }),
        "llama-70b",
      );
      expect(shown(read, `${path}.maxLoraRank`)).toBe(`64 ${ISVC} spec.model.lora.maxRank`);
      expect(shown(read, `${path}.maxLoras`)).toBe(`2 ${ISVC} spec.model.lora.maxAdapters`);
      expect(shown(read, `${path}.maxCpuLoras`)).toMatch(/^2 derived: --max-cpu-loras left out/);
      expect(shown(read, "workloads[llama-70b-kserve-prefill].engine.lora.maxLoras")).toMatch(/^2 /);
      expect(told(read)).toBe(told(await prepared(objects, "llama-70b")));
      // vLLM's own bounds where the spec has none: one adapter at a time, whatever their number.
      const bare = await prepared(withAdapters({ adapters: [sql, { ...sql, name: "law" }] }), "llama-70b");
      expect(shown(bare, `${path}.maxLoras`)).toMatch(/^1 default: vLLM/);
      const blocks = ({ scenario }: Prepared): number | undefined => scenario.workloads[0]?.engine.numGpuBlocks;
      expect(blocks(read)).toBeLessThan(blocks(bare) as number);
      expect(blocks(bare)).toBeLessThan(blocks(await prepared(objects, "llama-70b")) as number);
    });

    it("gives way to arguments of the user's, which keep their fields", async () => {
      const args = ["--max-loras=4", "--max-num-seqs=96"];
      const own = withAdapters({ adapters: [sql], maxAdapters: 1 }, ({ template }) => {
        template.containers[0].args = args;
      });
      const read = await prepared(own, "llama-70b");
      expect(shown(read, `${path}.maxLoras`)).toBe(`4 ${ISVC} spec.template.containers[0].args[0]`);
      expect(shown(read, "workloads[llama-70b-kserve].engine.maxNumSeqs")).toBe(
        `96 ${ISVC} spec.template.containers[0].args[1]`,
      );
    });

    it("adds nothing where the server says its adapters itself", async () => {
      const own = withAdapters({ adapters: [sql], maxAdapters: 8 }, ({ template }) => {
        template.containers[0].env[0].value += " --enable-lora --max-loras 3 --lora-modules sql=/mnt/sql";
      });
      const read = await prepared(own, "llama-70b");
      expect(shown(read, `${path}.maxLoras`)).toBe(`3 ${ISVC} spec.template.containers[0].env[0].value`);
      expect(told(read)).toContain("spec.model.lora: container main of spec.template says --lora-modules itself");
    });

    it("is refused where KServe refuses it, unless it has made the server", async () => {
      const adapters = [{ ...sql, name: "llama-70b" }, { uri: "oci://acme/law" }, sql, sql];
      const own = withAdapters({ adapters });
      await expect(prepared(own, "llama-70b")).rejects.toMatchObject({
        problems: expect.arrayContaining(
          [
            ["[0].name", "llama-70b is the name of the base model itself"],
            ["[1].name", "is required of an adapter"],
            ["[1].uri", 'KServe takes adapters from hf://, s3:// and pvc:// only, not from "oci://acme/law"'],
            ["[3].name", "sql is the name of spec.model.lora.adapters[2] too"],
          ].map(([field, message]) =>
            expect.objectContaining({
              severity: "error",
              object: ISVC,
              field: `spec.model.lora.adapters${field}`,
              message,
            }),
          ),
        ),
      });
      const all = [
        ...own,
        live("llama-70b-kserve", { app: "llama-70b-kserve" }),
        live("llama-70b-kserve-prefill", { app: "llama-70b-kserve-prefill" }),
      ];
      delete the(all, "LLMInferenceService").spec.router;
      expect((await prepared(all, "llama-70b")).scenario.workloads[0]?.replicas).toBe(3);
    });
  });

  it("has problems at its own fields", async () => {
    const broken = structuredClone(objects);
    the(broken, "LLMInferenceService").spec.template.containers[0].env[0].value = "--max-model-len many";
    await expect(prepared(broken, "llama-70b")).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({ object: ISVC, field: "spec.template.containers[0].env[0].value" }),
      ]),
    });
  });

  it("gives way to what its controller has made", async () => {
    const made = structuredClone(objects);
    made.push(
      live("llama-70b-kserve", {
        "app.kubernetes.io/name": "llama-70b",
        "app.kubernetes.io/part-of": "llminferenceservice",
        "kserve.io/component": "workload",
        "llm-d.ai/role": "decode",
      }),
    );
    const read = await prepared(made, "llama-70b");
    expect(shown(read, "workloads[llama-70b-kserve].replicas")).toBe(
      "3 Deployment/serving/llama-70b-kserve spec.replicas",
    );
    expect(shown(read, "workloads[llama-70b-kserve].madeFrom")).toMatch(/controller$/);
    expect(shown(read, "workloads[llama-70b-kserve-prefill].replicas")).toBe(`2 ${ISVC} spec.prefill.replicas`);
  });

  it("is rendered anew where a candidate changes it", async () => {
    const changed = structuredClone(objects);
    the(changed, "InferenceSimulation", "llama-70b").spec.candidates = [
      { name: "more", patches: [{ target: { kind: "LLMInferenceService" }, merge: { spec: { replicas: 4 } } }] },
    ];
    const { candidates } = await prepared(changed, "llama-70b");
    expect(candidates[0]?.scenario.workloads[0]?.replicas).toBe(4);
  });

  it("with workers is a LeaderWorkerSet, scaled by llm-d's autoscaler where it says so", async () => {
    const wide = structuredClone(objects);
    const service = the(wide, "LLMInferenceService");
    delete service.spec.prefill;
    delete service.spec.replicas;
    service.spec.parallelism = { tensor: 4, data: 2, dataLocal: 1 };
    service.spec.worker = structuredClone(service.spec.template);
    service.spec.scaling = { minReplicas: 1, maxReplicas: 3, wva: { variantCost: "40.0", hpa: {} } };
    const read = await prepared(wide, "llama-70b");
    expect(read.scenario.workloads[0]).toMatchObject({ kind: "LeaderWorkerSet", group: { size: 2 }, replicas: 1 });
    expect(shown(read, "autoscalers[llama-70b-kserve-mn-hpa].maxReplicas")).toBe("");
    expect(shown(read, "autoscalers[llama-70b-kserve-hpa].maxReplicas")).toBe(`3 ${ISVC} spec.scaling.maxReplicas`);
  });

  it("serves", async () => expect(await finished(objects, "llama-70b")).toBeGreaterThan(20));
});

describe("an InferenceService", () => {
  const objects = objectsIn("deploy/examples/kserve");
  const ISVC = "InferenceService/serving/llama-8b";

  it("is its predictor and what scales it", async () => {
    const read = await prepared(objects, "llama-8b");
    const path = "workloads[llama-8b-predictor]";
    expect(shown(read, `${path}.model.id`)).toBe(
      `meta-llama/Llama-3.1-8B-Instruct ${ISVC} spec.predictor.model.storageUri`,
    );
    expect(shown(read, `${path}.engine.maxNumSeqs`)).toBe(`64 ${ISVC} spec.predictor.model.args[1]`);
    expect(shown(read, `${path}.gpu`)).toMatch(
      /^L40S InferenceService\/serving\/llama-8b spec\.predictor\.nodeSelector/,
    );
    expect(shown(read, `${path}.servedName`)).toMatch(/^llama-8b default: KServe v0.17: its runtime/);
    expect(read.scenario.autoscalers[0]?.keda).toBeDefined();
  });

  it("says what is not simulated", async () => {
    const odd = structuredClone(objects);
    const service = the(odd, "InferenceService");
    service.metadata.annotations["serving.kserve.io/deploymentMode"] = "Knative";
    service.spec.predictor.canaryTrafficPercent = 10;
    service.spec.predictor.model.runtime = "mine";
    const text = told(await prepared(odd, "llama-8b"));
    expect(text).toMatch(/Knative scales by Knative's autoscaler/);
    expect(text).toMatch(/spec\.predictor\.canaryTrafficPercent: a canary's share of traffic is not modelled/);
    expect(text).toMatch(/ServingRuntime mine isn't in namespace serving/);
  });

  it("takes the ServingRuntime that it names", async () => {
    const own = structuredClone(objects);
    the(own, "InferenceService").spec.predictor.model.runtime = "vllm";
    own.push({
      apiVersion: "serving.kserve.io/v1alpha1",
      kind: "ServingRuntime",
      metadata: { name: "vllm", namespace: "serving" },
      spec: {
        containers: [
          {
            name: "kserve-container",
            command: ["python", "-m", "vllm.entrypoints.openai.api_server"],
            args: ["--model=/mnt/models", "--served-model-name={{.Name}}", "--max-num-seqs=32"],
          },
        ],
      },
    });
    const read = await prepared(own, "llama-8b");
    expect(read.scenario.workloads[0]).toMatchObject({ modelName: "llama-8b", engine: { maxNumSeqs: 64 } });
  });
});

describe("a DynamoGraphDeployment", () => {
  const objects = objectsIn("deploy/examples/dynamo");
  const GRAPH = "DynamoGraphDeployment/serving/qwen3-8b";

  it("is its workers, with their roles", async () => {
    const read = await prepared(objects, "qwen3-8b");
    expect(read.scenario.workloads.map(({ name }) => name)).toEqual([
      "qwen3-8b-vllmdecodeworker",
      "qwen3-8b-vllmprefillworker",
    ]);
    expect(read.scenario.workloads.map(({ podLabels }) => podLabels?.["llm-d.ai/role"])).toEqual(["decode", "prefill"]);
    expect(shown(read, "workloads[qwen3-8b-vllmdecodeworker].gpusPerReplica")).toBe(
      `1 ${GRAPH} spec.services.VllmDecodeWorker.resources.limits.gpu`,
    );
    expect(told(read)).toMatch(/Dynamo's router \(kv\) is simulated as an endpoint picker/);
  });

  it("is read in v1beta1's words too", async () => {
    const newer = structuredClone(objects);
    const graph = the(newer, "DynamoGraphDeployment");
    const { VllmDecodeWorker: old } = graph.spec.services;
    graph.apiVersion = "nvidia.com/v1beta1";
    const container = {
      ...old.extraPodSpec.mainContainer,
      name: "main",
      resources: { limits: { "nvidia.com/gpu": "1" } },
    };
    const spec = { nodeSelector: old.extraPodSpec.nodeSelector, containers: [container] };
    graph.spec = { components: [{ name: "Decode", type: "worker", replicas: 3, podTemplate: { spec } }] };
    const read = await prepared(newer, "qwen3-8b");
    expect(shown(read, "workloads[qwen3-8b-decode].replicas")).toBe(`3 ${GRAPH} spec.components[0].replicas`);
    expect(shown(read, "workloads[qwen3-8b-decode].engine.maxModelLen")).toBe(
      `16384 ${GRAPH} spec.components[0].podTemplate.spec.containers[0].args[3]`,
    );
  });

  it("has the probes that its operator gives workers, or those that are said", async () => {
    const period = "workloads[qwen3-8b-vllmdecodeworker].start.probe.periodSeconds";
    const read = await prepared(objects, "qwen3-8b");
    expect(told(read)).not.toMatch(/readinessProbe|deprecated/);
    expect(shown(read, period)).toMatch(/^10 default: Dynamo 1\.3/);
    const own = structuredClone(objects);
    const { mainContainer } = the(own, "DynamoGraphDeployment").spec.services.VllmDecodeWorker.extraPodSpec;
    mainContainer.startupProbe = { httpGet: { path: "/live", port: 9090 }, periodSeconds: 3, failureThreshold: 30 };
    expect(shown(await prepared(own, "qwen3-8b"), period)).toBe(
      `3 ${GRAPH} spec.services.VllmDecodeWorker.extraPodSpec.mainContainer.startupProbe.periodSeconds`,
    );
  });

  it("is told once what holds of all its workers alike", async () => {
    const trt = structuredClone(objects);
    const { services } = the(trt, "DynamoGraphDeployment").spec;
    for (const { extraPodSpec } of [services.VllmDecodeWorker, services.VllmPrefillWorker]) {
      extraPodSpec.mainContainer.command = ["python3", "-m", "dynamo.trtllm"];
      extraPodSpec.mainContainer.args = ["--model-path", "Qwen/Qwen3-8B", "--served-model-name", "qwen3-8b"];
    }
    services.VllmPrefillWorker.extraPodSpec.mainContainer.args.push("--disaggregation-mode", "prefill");
    const lines = told(await prepared(trt, "qwen3-8b")).split("\n");
    expect(lines.filter((line) => line.includes("TensorRT-LLM is simulated by vLLM's engine"))).toHaveLength(1);
    expect(lines).toEqual([...new Set(lines)]);
  });

  it("over several nodes is a LeaderWorkerSet", async () => {
    const wide = structuredClone(objects);
    const { services } = the(wide, "DynamoGraphDeployment").spec;
    delete services.VllmPrefillWorker;
    services.VllmDecodeWorker.multinode = { nodeCount: 2 };
    services.VllmDecodeWorker.extraPodSpec.mainContainer.args.push("--tensor-parallel-size=2");
    const read = await prepared(wide, "qwen3-8b");
    expect(read.scenario.workloads[0]).toMatchObject({
      kind: "LeaderWorkerSet",
      gpusPerReplica: 2,
      group: { size: 2 },
    });
  });

  it("serves", async () => expect(await finished(objects, "qwen3-8b")).toBeGreaterThan(80));
});

it("SGLang's example serves", async () =>
  expect(await finished(objectsIn("deploy/examples/sglang"), "qwen3-8b")).toBeGreaterThan(40));
