import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { explain } from "../../src/cli/commands/explain.ts";
import { init } from "../../src/cli/commands/init.ts";

let folder: string;
let out: string;
let told: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-init-"));
  out = told = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((told += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const servetwin = async (...args: readonly string[]): Promise<void> => {
  const program = new Command().exitOverride();
  for (const add of [init, explain]) add(program);
  await program.parseAsync([...args], { from: "user" });
};
/** Objects of an example without its simulations. */
const only = (example: string, ...files: readonly string[]): readonly string[] =>
  files.flatMap((file) => ["-f", join("deploy/examples", example, file)]);

describe("servetwin init", () => {
  it("writes a simulation that explain takes as it is", async () => {
    const objects = only("quickstart", "vllm-llama-8b.yaml", "hpa.yaml");
    await servetwin("init", ...objects, "-o", folder);
    const file = join(folder, "inference-vllm-llama-8b.yaml");
    expect(out).toBe(`${file}\n`);
    expect(readFileSync(file, "utf8")).toMatch(/# ASSUMED: no manifest says what traffic there is/);
    out = "";
    await servetwin("explain", ...objects, "-f", file, "-o", "json");
    const [read] = JSON.parse(out) as [{ simulation: string; derivation: { source: string }[] }];
    expect(read.simulation).toBe("inference/vllm-llama-8b");
    expect(read.derivation.map(({ source }) => source)).toContain("Deployment/inference/vllm-llama-8b");
  });

  it("takes what is behind one pool together, with its roles, and leaves the rest alone", async () => {
    const pool = (name: string): string =>
      JSON.stringify({
        apiVersion: "inference.networking.k8s.io/v1",
        kind: "InferencePool",
        metadata: { name, namespace: "serving" },
        spec: { selector: { matchLabels: { pool: name } }, endpointPickerRef: { name: "epp" } },
      });
    const deployment = (name: string, labels: object, run = ["vllm", "serve", "Qwen/Qwen3-8B"]): string =>
      JSON.stringify({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace: "serving" },
        spec: {
          selector: {},
          template: {
            metadata: { labels },
            spec: {
              nodeSelector: { "nvidia.com/gpu.product": "NVIDIA-L40S" },
              containers: [{ name: "c", command: run, resources: { limits: { "nvidia.com/gpu": 1 } } }],
            },
          },
        },
      });
    const picker = deployment("epp", { app: "epp" }, ["/app/epp", "--pool-name=chat"]);
    const documents = [
      pool("chat"),
      picker,
      deployment("decode", { pool: "chat", "llm-d.ai/role": "decode" }),
      deployment("prefill", { pool: "chat", "llm-d.ai/role": "prefill" }),
      deployment("other", {}),
      deployment("web", {}, ["nginx"]),
    ];
    writeFileSync(join(folder, "all.yaml"), documents.join("\n---\n"));
    await servetwin("init", "-f", join(folder, "all.yaml"), "-o", join(folder, "out"));
    expect(readdirSync(join(folder, "out"))).toEqual(["serving-chat.yaml", "serving-other.yaml"]);
    const text = readFileSync(join(folder, "out", "serving-chat.yaml"), "utf8");
    expect(text).toMatch(/name: decode \}\n.*name: prefill \}\n.*router: \{ kind: InferencePool, name: chat \}/);
  });

  it.each([
    { by: "labels", prefill: { "llm-d.ai/role": "prefill" }, decode: { "llm-d.ai/role": "decode" }, roles: ["", ""] },
    { by: "arguments", prefill: { app: "p" }, decode: { app: "d" }, roles: ["kv_producer", "kv_consumer"] },
  ])(
    "takes those that prefill and those that decode together by their $by, where no pool selects them",
    async (said) => {
      const deployment = (name: string, labels: object, kvRole: string, model = "Qwen/Qwen3-8B"): string => {
        const kv = `--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"${kvRole}"}`;
        const command = ["vllm", "serve", model, ...(kvRole === "" ? [] : [kv])];
        const container = { name: "c", command, resources: { limits: { "nvidia.com/gpu": 1 } } };
        const spec = { nodeSelector: { "nvidia.com/gpu.product": "NVIDIA-L40S" }, containers: [container] };
        const template = { metadata: { labels }, spec };
        const metadata = { name, namespace: "serving" };
        return JSON.stringify({
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata,
          spec: { selector: {}, template },
        });
      };
      const documents = [
        deployment("a-prefill", said.prefill, said.roles[0] as string),
        deployment("b-decode", said.decode, said.roles[1] as string),
        deployment("other", said.prefill, said.roles[0] as string, "Qwen/Qwen3-14B"),
      ];
      writeFileSync(join(folder, "all.yaml"), documents.join("\n---\n"));
      await servetwin("init", "-f", join(folder, "all.yaml"), "-o", join(folder, "out"));
      expect(readdirSync(join(folder, "out"))).toEqual(["serving-b-decode.yaml", "serving-other.yaml"]);
      const file = join(folder, "out", "serving-b-decode.yaml");
      expect(readFileSync(file, "utf8")).toMatch(/name: b-decode \}\n.*name: a-prefill \}\n/);
      out = "";
      await servetwin("explain", "-f", join(folder, "all.yaml"), "-f", file, "-o", "json");
      expect(out).toMatch(/"disagg-profile-handler"/);
    },
  );

  it("mirrors what a controller makes by the object that people wrote", async () => {
    await servetwin("init", ...only("kserve", "llama-70b.yaml", "llama-8b.yaml"), "-o", "-");
    expect(out).toMatch(/\{ kind: InferenceService, name: llama-8b \}/);
    expect(out).toMatch(/\{ kind: LLMInferenceService, name: llama-70b \}/);
    expect(out.split("---\n")).toHaveLength(2);
  });

  it("leaves files that are there alone, unless it is told to overwrite them, and then says so", async () => {
    const objects = only("sglang", "qwen3-8b.yaml");
    const file = join(folder, "serving-qwen3-8b.yaml");
    writeFileSync(file, "mine");
    await expect(servetwin("init", ...objects, "-o", folder)).rejects.toThrow(
      /is there already, and nothing was written/,
    );
    expect(readFileSync(file, "utf8")).toBe("mine");
    await servetwin("init", ...objects, "-o", folder, "--force");
    expect(out).toBe(`${file} (overwritten)\n`);
    expect(told).toMatch(/^serving\/qwen3-8b: \d warnings, see/);
  });

  it("says of what can't be simulated what is missing", async () => {
    const text = readFileSync("deploy/examples/sglang/qwen3-8b.yaml", "utf8").replace(/ +nodeSelector.*\n/, "");
    writeFileSync(join(folder, "a.yaml"), text);
    await expect(servetwin("init", "-f", join(folder, "a.yaml"), "-o", "-")).rejects.toThrow(/nothing was written/);
    expect(told).toMatch(/nothing tells the GPU type.*set spec\.overrides\.hardware\.gpu/);
  });

  it.each([
    [["-f", "deploy/examples/nodes"], /nothing that serves a model was found/],
    [[], /say where to look/],
    [["-f", "deploy/examples/sglang", "-n", "elsewhere"], /was found in namespace elsewhere/],
  ])("refuses %j", (args, message) => expect(servetwin("init", ...args)).rejects.toThrow(message));
});

describe("servetwin explain -o tree", () => {
  it("goes from objects over fields to what they became", async () => {
    await servetwin("explain", "-f", "deploy/examples/kserve", "--simulation", "llama-70b", "-o", "tree");
    expect(out).toMatch(/^serving\/llama-70b\n\n/);
    expect(out).toMatch(/\nLLMInferenceService\/serving\/llama-70b\n├─ /);
    expect(out).toMatch(/─ spec\.parallelism\.tensor → workloads\[llama-70b-kserve\]\.parallelism\.tp = 4\n/);
    expect(out).toMatch(/├─ spec\.model\.uri\n│ {2}├→ workloads\[llama-70b-kserve\]\.model\.id = meta-llama/);
    expect(out).toMatch(/\ndefaults\n├─ /);
    expect(out).toMatch(/\nwarning: /);
  });
});
