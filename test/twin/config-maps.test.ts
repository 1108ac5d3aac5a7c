import { dump } from "js-yaml";
import { describe, expect, it } from "vitest";
import { type Prepared, prepare } from "../../src/cli/prepare.ts";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { withConfigMaps } from "../../src/operator/config-maps.ts";
import { read as readSimulation } from "../../src/operator/read.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { manifestStore, objectStore } from "../../src/store/manifests.ts";
import { StoreError } from "../../src/store/store.ts";
import { Field } from "../../src/twin/field.ts";
import { configMapKeysOf } from "../../src/twin/readers/pod/config-maps.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const FROM = "Deployment/inference/vllm-llama-8b spec.template.spec.containers[0]";

const prepared = async (change: (quick: Quickstart) => void, ...others: readonly Json[]): Promise<Prepared> => {
  const quick = new Quickstart();
  change(quick);
  const objects = [quick.deployment, quick.hpa, quick.simulation, ...others];
  const store = manifestStore([{ file: "all.yaml", text: objects.map((object) => dump(object)).join("---\n") }]);
  const stored = store.list("InferenceSimulation")[0] as Json;
  return prepare(store, stored, DEFAULT_LIMITS, []);
};
const configMap = (name: string, data: Readonly<Record<string, string>>): Json => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "inference" },
  data,
});
const shown = ({ values }: Prepared, name: string): string => {
  const found = values.find(({ path }) => path.endsWith(`.engine.${name}`));
  return found === undefined ? "" : `${String(found.value)} ${describeSource(found.from)}`;
};

describe("variables from ConfigMaps", () => {
  const flags = configMap("flags", { SEQS: "48", EXTRA: "--max-num-batched-tokens 4096 --block-size=32" });

  it("are read by key and as a whole, each at the field that refers to them", async () => {
    const read = await prepared(({ container }) => {
      const { args } = container;
      container.command = [
        "sh",
        "-c",
        'exec vllm serve meta-llama/Llama-3.1-8B-Instruct "$@" --max-num-seqs $SEATS $PRE_EXTRA',
        "--",
      ];
      container.args = args.filter((arg: string) => !arg.startsWith("--max-num-seqs"));
      container.env = [{ name: "SEATS", valueFrom: { configMapKeyRef: { name: "flags", key: "SEQS" } } }];
      container.envFrom = [{ prefix: "PRE_", configMapRef: { name: "flags" } }];
    }, flags);
    expect(shown(read, "maxNumSeqs")).toBe(`48 ${FROM}.env[0].valueFrom.configMapKeyRef`);
    expect(shown(read, "maxNumBatchedTokens")).toBe(`4096 ${FROM}.envFrom[0].configMapRef`);
    expect(shown(read, "blockSize")).toBe(`32 ${FROM}.envFrom[0].configMapRef`);
  });

  it("stand below env of the same name, and warn where there is no such key", async () => {
    const read = await prepared(
      ({ container }) => {
        container.args.push("--max-num-batched-tokens=$(TOKENS)", "--block-size=$(NONE)");
        container.envFrom = [{ configMapRef: { name: "flags" } }];
        container.env = [
          { name: "TOKENS", value: "2048" },
          { name: "NONE", valueFrom: { configMapKeyRef: { name: "flags", key: "NOWHERE" } } },
        ];
      },
      configMap("flags", { TOKENS: "512" }),
    );
    expect(shown(read, "maxNumBatchedTokens")).toBe(`2048 ${FROM}.env[0].value`);
    expect(read.warnings.map(describeProblem).join("\n")).toMatch(
      /--block-size uses NONE, whose value nothing here tells/,
    );
  });

  it("are fetched by key where they aren't among the objects, and no more than what is wanted", async () => {
    const asked: string[] = [];
    const store = {
      configMapKey: async (_namespace: string, name: string, key: string) => {
        asked.push(`${name}/${key}`);
        return key === "A" ? Buffer.from("1") : key === "B" ? Buffer.alloc(70_000) : undefined;
      },
    };
    const there = configMap("there", { A: "0" });
    const cluster = {
      get: (kind: string, _namespace: string, name: string) =>
        kind === "ConfigMap" && name === "there" ? there : undefined,
      list: () => [],
    };
    const wanted = ["A", "B", "C"].map((key) => ({ namespace: "inference", name: "far", key }));
    const found = await withConfigMaps(
      cluster,
      [...wanted, { namespace: "inference", name: "there", key: "A" }],
      store,
    );
    expect(asked).toEqual(["far/A", "far/B", "far/C"]);
    expect(found.get("ConfigMap", "inference", "far")?.data).toEqual({ A: "1" });
    expect(found.get("ConfigMap", "inference", "there")).toBe(there);
  });

  it("that may be left out are as if they weren't there where they may not be read", async () => {
    const store = { configMapKey: () => Promise.reject(new StoreError("refused", "no")) };
    const cluster = { get: () => undefined, list: () => [] };
    const wanted = { namespace: "system", name: "wva", key: "default" };
    const found = await withConfigMaps(cluster, [{ ...wanted, optional: true }], store);
    expect(found.get("ConfigMap", "system", "wva")).toBeUndefined();
    await expect(withConfigMaps(cluster, [wanted], store)).rejects.toThrow("no");
  });

  it.each([
    { permitted: [], namespaces: ["inference"] },
    {
      permitted: ["workload-variant-autoscaler-system"],
      namespaces: ["inference", "workload-variant-autoscaler-system"],
    },
  ])("of WVA are asked for where its say counts and may be read: $permitted", async ({ permitted, namespaces }) => {
    const { deployment, hpa, simulation } = new Quickstart();
    hpa.metadata.annotations = { "llm-d.ai/managed": "true" };
    const asked = new Set<string>();
    const objects = [deployment, hpa, simulation].map((object) => ({ object }));
    const store = objectStore(objects, {
      configMapKey: async (namespace) => {
        asked.add(namespace);
        return undefined;
      },
    });
    const parts = { store, limits: DEFAULT_LIMITS, allowedUrls: [], mirrorNamespaces: permitted };
    const found = await readSimulation({ object: simulation }, parts);
    expect(found.ok && found.value.scenario.controllers?.length).toBe(1);
    expect([...asked].sort()).toEqual(namespaces);
  });
});

it("a label that names another GPU than the nodes' is a contradiction", async () => {
  const read = await prepared(({ deployment }) => {
    deployment.metadata.labels = {
      ...deployment.metadata.labels,
      "inference.optimization/acceleratorName": "A100-SXM-80GB",
    };
  });
  expect(read.warnings.map(describeProblem).join("\n")).toMatch(
    /labels\["inference.optimization\/acceleratorName"\]: says A100-SXM-80GB, but .*nodeSelector.* says H100-SXM, which is simulated/,
  );
});

describe("the file of --config", () => {
  const text = `model: meta-llama/Llama-3.1-8B-Instruct
max_num_seqs: 48
max-num-batched-tokens: 4k
enable-prefix-caching: false
trust-remote-code: false
served-model-name: [llama, other]
compilation-config: { mode: 0 }
`;
  const settings = (data: string): Json => configMap("settings", { "vllm.yaml": data });
  const mount = (quick: Quickstart, args: readonly string[]): void => {
    const { container, pod } = quick;
    container.command = ["vllm", "serve"];
    container.args = [...args];
    container.volumeMounts = [{ name: "settings", mountPath: "/etc/vllm" }];
    pod.volumes = [{ name: "settings", configMap: { name: "settings" } }];
  };
  const engine = (read: Prepared) => read.scenario.workloads[0];

  it("says flags, each told at the argument that names it", async () => {
    const read = await prepared((quick) => mount(quick, ["--config", "/etc/vllm/vllm.yaml"]), settings(text));
    expect(engine(read)?.engine).toMatchObject({
      maxNumSeqs: 48,
      maxNumBatchedTokens: 4000,
      prefixCaching: false,
    });
    expect(engine(read)?.modelName).toBe("llama");
    expect(shown(read, "maxNumSeqs")).toBe(`48 ${FROM}.args[1]`);
    // The object came through as one, and of the file nothing is told.
    expect(read.warnings.map(describeProblem)).toEqual([
      expect.stringContaining("args[1]: --compilation-config changes"),
    ]);
  });

  it("stands below what the command says, and below a model that comes first", async () => {
    const args = ["Qwen/Qwen2.5-7B-Instruct", "--max-num-seqs=12", "--config", "/etc/vllm/vllm.yaml"];
    const read = await prepared((quick) => mount(quick, args), settings(text));
    expect(engine(read)?.engine.maxNumSeqs).toBe(12);
    expect(engine(read)?.shape.id).toMatch(/Qwen2\.5-7B/);
  });

  it("is found in a script", async () => {
    const script = "exec vllm serve --port 8000 --config '/etc/vllm/vllm.yaml' --block-size 32";
    const read = await prepared((quick) => {
      mount(quick, []);
      quick.container.command = ["sh", "-c", script];
    }, settings(text));
    expect(engine(read)?.engine).toMatchObject({ maxNumSeqs: 48, blockSize: 32 });
  });

  it("that is mounted from nowhere is told, and that vLLM wouldn't take is an error", async () => {
    const model = "meta-llama/Llama-3.1-8B-Instruct";
    const told = async (path: string, ...maps: readonly Json[]): Promise<string> => {
      const quick = new Quickstart();
      mount(quick, [model, "--config", path]);
      quick.others.push(...maps);
      const result = quick.mirror();
      return (result.ok ? result.warnings : result.problems).map(describeProblem).join("\n");
    };
    expect(await told("/opt/vllm.yaml")).toContain(
      "args[2]: --config /opt/vllm.yaml is not read: it is mounted from no ConfigMap; what it says is simulated as at its defaults",
    );
    expect(await told("/etc/vllm/vllm.yaml")).toContain("there is no ConfigMap settings with key vllm.yaml here");
    expect(await told("/etc/vllm/vllm.json")).toContain("vLLM takes no file that isn't called .yaml or .yml");
    expect(await told("/etc/vllm/vllm.yaml", settings("- a"))).toContain("its YAML is no list of names and values");
    expect(await told("/etc/vllm/vllm.yaml", settings("a: [b"))).toContain("this is no YAML that can be read");
  });

  it("of LMCache is read below its variables, and told at the variable that names it", async () => {
    const file = "chunk_size: 128\nlocal_cpu: false\nremote_url: lm://cache:65432\nextra_config: { a: 1 }\n";
    const asked = (path: string) => (quick: Quickstart) => {
      mount(quick, ["meta-llama/Llama-3.1-8B-Instruct"]);
      quick.container.args.push('--kv-transfer-config={"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}');
      quick.container.env = [
        { name: "LMCACHE_CONFIG_FILE", value: path },
        { name: "LMCACHE_CHUNK_SIZE", value: "64" },
      ];
    };
    const path = "/etc/vllm/vllm.yaml";
    const read = await prepared(asked(path), settings(file));
    expect(engine(read)?.engine).toMatchObject({ tier: { blocksPerChunk: 4 } });
    expect(engine(read)?.engine.offload).toBeUndefined();
    expect(shown(read, "tier.store")).toBe(`lm://cache:65432 ${FROM}.env[0].value`);
    expect(shown(read, "tier.chunkTokens")).toBe(`64 ${FROM}.env[1].value`);
    expect(read.warnings.map(describeProblem)).toEqual([]);

    const told = (at: string, ...maps: readonly Json[]): string => {
      const quick = new Quickstart();
      asked(at)(quick);
      quick.others.push(...maps);
      const result = quick.mirror();
      return (result.ok ? result.warnings : result.problems).map(describeProblem).join("\n");
    };
    expect(told("/opt/lmcache.yaml")).toMatch(
      /env\[0\].*LMCACHE_CONFIG_FILE is not read, \/opt\/lmcache.yaml: it is mounted from no ConfigMap; .*; mount it/,
    );
    expect(told(path, settings("- a"))).toMatch(
      /vllm.yaml: its YAML is no list of names and values; write one setting/,
    );
    expect(told(path, settings("a: [b"))).toContain("this is no YAML that can be read");
  });

  it("is fetched by its key, as variables are", async () => {
    const { template } = new Quickstart().deployment.spec;
    const asked = structuredClone(template);
    mount({ container: asked.spec.containers[0], pod: asked.spec } as Quickstart, ["--config", "/etc/vllm/vllm.yaml"]);
    const manifest = { metadata: { name: "chat", namespace: "inference" } };
    const field = Field.root({ apiVersion: "apps/v1", kind: "Deployment", ...manifest, template: asked }, []).at(
      "template",
    );
    expect(configMapKeysOf(field, manifest)).toEqual([{ namespace: "inference", name: "settings", key: "vllm.yaml" }]);
    // As LMCache's own is.
    asked.spec.containers[0].args = [];
    asked.spec.containers[0].env = [{ name: "LMCACHE_CONFIG_FILE", value: "/etc/vllm/lmcache.yaml" }];
    expect(configMapKeysOf(field, manifest)).toEqual([
      { namespace: "inference", name: "settings", key: "lmcache.yaml" },
    ]);
  });
});
