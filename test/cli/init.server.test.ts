import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLE } from "../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";

let plane: ControlPlane;
let folder: string;

/** One whose fields the API server keeps as they are. */
const definition = (group: string, version: string, kind: string, plural: string): object => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `${plural}.${group}`,
    // The API server asks for it of groups that end as this one does.
    annotations: { "api-approved.kubernetes.io": "unapproved, a test's own" },
  },
  spec: {
    group,
    scope: "Namespaced",
    names: { kind, plural, singular: kind.toLowerCase() },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

const deployment = (name: string, labels: Record<string, string>, args: readonly string[]): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        nodeSelector: { "nvidia.com/gpu.product": "NVIDIA-L40S" },
        containers: [
          { name: "vllm", image: "vllm/vllm-openai:v0.22.0", args, resources: { limits: { "nvidia.com/gpu": 1 } } },
        ],
      },
    },
  },
});
const qwen = "--model=Qwen/Qwen3-8B";

const create = async (path: string, body: object): Promise<void> => {
  const { status, body: answer } = await plane.request("POST", path, body);
  if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-init-"));
  plane = await startControlPlane();
  const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await create(crds, definition("inference.networking.k8s.io", "v1", "InferencePool", "inferencepools"));
  await create("/api/v1/namespaces", { metadata: { name: "serving" } });
  const apps = "/apis/apps/v1/namespaces/serving/deployments";
  await create(apps, deployment("chat-a", { pool: "chat", variant: "a" }, [qwen]));
  await create(apps, deployment("chat-b", { pool: "chat", variant: "b" }, [qwen, "--max-num-seqs=64"]));
  await create(apps, deployment("long-prefill", { "llm-d.ai/role": "prefill" }, ["--model=Qwen/Qwen3-14B"]));
  await create(apps, deployment("long-decode", { "llm-d.ai/role": "decode" }, ["--model=Qwen/Qwen3-14B"]));
  await create(apps, deployment("picker", { app: "picker" }, []));
  const picker = { template: { metadata: { labels: { app: "picker" } } } };
  const run = {
    name: "epp",
    image: "epp",
    args: ["--pool-name=chat", "--config-text", "plugins: [{type: queue-scorer}]"],
  };
  const { status } = await plane.request("PATCH", `${apps}/picker`, {
    spec: { template: { ...picker.template, spec: { nodeSelector: null, containers: [run] } } },
  });
  expect(status).toBe(200);
  await create("/apis/inference.networking.k8s.io/v1/namespaces/serving/inferencepools", {
    apiVersion: "inference.networking.k8s.io/v1",
    kind: "InferencePool",
    metadata: { name: "chat" },
    spec: {
      selector: { matchLabels: { pool: "chat" } },
      targetPorts: [{ number: 8000 }],
      endpointPickerRef: { name: "epp", port: { number: 9002 } },
    },
  });
}, 180_000);
afterAll(async () => {
  await plane?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const servetwin = (...args: readonly string[]) => promisify(execFile)(process.execPath, [BUNDLE, ...args]);

describe("servetwin init on an API server", () => {
  it("finds what is behind one pool, and what prefills and decodes without one, and writes what run takes", async () => {
    const cluster = ["--kubeconfig", plane.kubeconfigPath(), "-n", "serving"];
    const { stderr } = await servetwin("init", ...cluster, "-o", folder);
    expect(stderr).not.toMatch(/can't be simulated/);
    expect(readdirSync(folder)).toEqual(["serving-chat.yaml", "serving-long-decode.yaml"]);
    const [pooled, split] = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    expect(pooled).toMatch(/name: chat-a \}\n.*name: chat-b \}\n.*router: \{ kind: InferencePool, name: chat \}/);
    expect(pooled).toMatch(/# The endpoint picker of InferencePool chat routes\./);
    expect(split).toMatch(/name: long-decode \}\n.*name: long-prefill \}\n/);
    expect(split).toMatch(/"key":"llm-d.ai\/role","operator":"In","values":\["prefill"\]/);
  });

  it("says of a namespace where nothing serves that there is nothing", async () => {
    const cluster = ["--kubeconfig", plane.kubeconfigPath(), "-n", "default"];
    await expect(servetwin("init", ...cluster, "-o", folder)).rejects.toThrow(/was found in namespace default/);
  });
});
