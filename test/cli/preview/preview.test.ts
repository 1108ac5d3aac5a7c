import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BadInput, TimedOut } from "../../../src/cli/exit.ts";
import { table } from "../../../src/cli/formats/table.ts";
import { previewChange } from "../../../src/cli/preview/preview-change.ts";
import { manifest, Platform, simulation, threeAtLeast } from "./platform.ts";

/** The command as it runs in the program, without the process around it. */
let platform: Platform;
beforeAll(() => {
  platform = new Platform();
});
afterAll(() => platform.gone());

const file = (name: string, text: string): string => platform.file(name, text);
const options = (over: Parameters<Platform["options"]>[0]) => platform.options(over);
const changedHpa = (text = threeAtLeast()): string => file("change.yaml", text);

describe("servetwin preview", () => {
  it("says what changes, what that does, and whether the objectives are met", async () => {
    const said = file("simulation.yaml", simulation("  objectives: [{ metric: ttft, percentile: 99, atMost: 10s }]"));
    const { exitCode, answer } = await previewChange(options({ filename: [changedHpa(), said] }));
    expect(exitCode).toBe(0);
    const [preview] = answer.previews;
    expect(preview?.values).toEqual([
      {
        path: "autoscalers[vllm-llama-8b].minReplicas",
        before: 1,
        after: 3,
        from: "HorizontalPodAutoscaler/inference/vllm-llama-8b spec.minReplicas",
      },
    ]);
    expect(preview?.comparison).toMatchObject({ met: "met", settled: true, replications: 6 });
    expect(preview?.kpis.gpuHours?.difference.mean).toBeGreaterThan(0.2);
    const shown = table.compare?.(answer) ?? "";
    for (const words of ["minReplicas", "time to first token p99", "every objective is met", "with the change"])
      expect(shown).toContain(words);
  });

  it("takes a candidate of a simulation for the change: the same as its manifest", async () => {
    const objectives = "  objectives: [{ metric: gpuHours, atMost: '9' }]";
    const candidates = `
  candidates:
    - name: three
      patches: [{ target: { kind: HorizontalPodAutoscaler }, json6902: [{ op: replace, path: /spec/minReplicas, value: 3 }] }]
    - name: fewer-at-a-time
      patches: [{ target: { kind: InferenceSimulation }, merge: { spec: { overrides: { engine: { maxNumSeqs: 1 } } } } }]
`;
    const plain = file("plain.yaml", simulation(objectives));
    const told = file("simulation.yaml", simulation(`${objectives}${candidates}`));
    const [byManifest, byCandidate] = [
      await previewChange(options({ filename: [changedHpa(), plain], budget: 1 })),
      await previewChange(options({ filename: [told], candidate: "three", budget: 1 })),
    ];
    expect(byCandidate.answer.objects).toEqual(["HorizontalPodAutoscaler/inference/vllm-llama-8b"]);
    const [one, other] = [byManifest, byCandidate].map(({ answer }) => answer.previews[0]);
    expect(other?.values).toEqual(one?.values);
    expect(other?.first.map(({ scenarioDigest }) => scenarioDigest)).toEqual(
      one?.first.map(({ scenarioDigest }) => scenarioDigest),
    );
    const overridden = await previewChange(options({ filename: [told], candidate: "fewer-at-a-time", budget: 1 }));
    expect(overridden.answer.objects).toEqual(["InferenceSimulation/inference/short"]);
    expect(overridden.answer.previews[0]?.values).toMatchObject([
      { path: "workloads[vllm-llama-8b].engine.maxNumSeqs", before: 64, after: 1 },
    ]);
  });

  it("finds the workloads of an HPA by itself, with a trace for traffic", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `2023-11-16 18:00:${String(i).padStart(2, "0")}.0000000,300,20`);
    const trace = file("trace.csv", `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows.join("\n")}\n`);
    const { answer } = await previewChange(
      options({
        filename: [changedHpa()],
        trace,
        horizon: "2m",
        objective: ["ttft p99 <= 1s", "errorRatio <= 0.01"],
        budget: 1,
      }),
    );
    const [preview] = answer.previews;
    expect(preview?.name).toBe("inference/vllm-llama-8b");
    expect(preview?.comparison.goals.map(({ metric, atMost }) => [metric, atMost])).toEqual([
      ["ttft", "1s"],
      ["errorRatio", "0.01"],
    ]);
    // One replication supports no verdict.
    expect(preview?.comparison).toMatchObject({ verdict: "inconclusive", met: "inconclusive" });
    expect(preview?.first[0].kpis.requests.arrived).toBe(60);
  });

  it("gives up at its time-out, and prints nothing that depends on the machine", async () => {
    const filename = [changedHpa(), file("simulation.yaml", simulation("", "6h"))];
    await expect(previewChange(options({ filename, timeout: 0.2 }))).rejects.toThrow(TimedOut);
  });

  it("knows a change that changes nothing", async () => {
    const same = await previewChange(options({ filename: [changedHpa(manifest("hpa.yaml"))] }));
    expect(same).toMatchObject({ exitCode: 0, answer: { objects: [], previews: [] } });
    const label = changedHpa(manifest("hpa.yaml").replace("metadata:\n", "metadata:\n  labels: { a: b }\n"));
    const { answer } = await previewChange(options({ filename: [label, file("simulation.yaml", simulation())] }));
    expect(answer).toMatchObject({ previews: [], leftOut: [{ why: "the change makes no difference to it" }] });
  });

  const SERVICE =
    "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: inference }\nspec: { selector: { app: web } }\n";
  it.each([
    {
      name: "an object nothing mirrors",
      change: () => SERVICE,
      says: /Service\/inference\/web: no workload that serves with vLLM/,
    },
    {
      name: "no traffic known",
      change: () => changedHpa(),
      says: /nobody has said what traffic there is; give a recorded trace with --trace/,
    },
    {
      name: "a Prometheus that does not answer",
      change: () => changedHpa(),
      over: { prometheus: "http://127.0.0.1:1", last: "2h" },
      says: /spec.workload.prometheus.*127\.0\.0\.1:1/,
    },
    {
      name: "traffic that is said twice",
      change: () => changedHpa(),
      over: { prometheus: "http://127.0.0.1:1", trace: "trace.csv" },
      says: /--trace and --prometheus were both given; choose one/,
    },
    {
      name: "an objective that tells nothing",
      change: () => changedHpa(),
      simulation: simulation('  objectives: [{ metric: sloAttainment, atLeast: "0.9" }]'),
      says: /spec.objectives\[0\]: sloAttainment has no value.*set spec.slo/,
    },
    {
      name: "an objective on no metric",
      change: () => changedHpa(),
      simulation: simulation("  objectives: [{ metric: ttfs, atMost: 1s }]"),
      says: /spec.objectives\[0\].metric.*ttft/,
    },
    {
      name: "no objective at all",
      change: () => changedHpa(),
      simulation: simulation(),
      over: { objective: ["fast"] },
      says: /fast is no objective; write one such as/,
    },
    {
      name: "an objective on no metric on the command line",
      change: () => changedHpa(),
      simulation: simulation(),
      over: { objective: ["errorRatio <= 0.1", "ttfs p99 <= 1s"] },
      says: /^--objective "ttfs p99 <= 1s": metric: must be one of ttft, .*got "ttfs"/,
    },
    {
      name: "a change that can't be simulated",
      change: () => manifest("hpa.yaml").replace("maxReplicas: 8", "maxReplicas: 0"),
      simulation: simulation(),
      says: /spec.maxReplicas/,
    },
    {
      name: "a simulation that isn't there",
      change: () => changedHpa(),
      simulation: simulation(),
      over: { simulation: "long" },
      says: /no InferenceSimulation long; there is: short/,
    },
    {
      name: "a candidate that isn't there",
      change: () =>
        simulation(
          "  candidates: [{ name: three, patches: [{ target: { kind: HorizontalPodAutoscaler }, merge: { spec: { minReplicas: 3 } } }] }]",
        ),
      over: { candidate: "four" },
      says: /no InferenceSimulation has a candidate four; candidates there are: InferenceSimulation\/inference\/short \(three\)/,
    },
    {
      name: "a candidate that does not apply",
      change: () =>
        simulation(
          "  candidates: [{ name: gone, patches: [{ target: { kind: HorizontalPodAutoscaler }, json6902: [{ op: remove, path: /spec/behaviour }] }] }]",
        ),
      over: { candidate: "gone" },
      says: /spec.candidates\[0\].patches\[0\].*behaviour/,
    },
    {
      name: "a candidate and a manifest",
      change: () => changedHpa(),
      over: { candidate: "three" },
      says: /--candidate was given, and -f says HorizontalPodAutoscaler\/inference\/vllm-llama-8b; choose one/,
    },
    { name: "a simulation alone", change: () => simulation(), says: /holds no manifest of the platform/ },
    {
      name: "a folder that isn't there",
      change: () => changedHpa(),
      over: { manifests: "/nowhere" },
      says: /there is no file or folder \/nowhere/,
    },
  ])("refuses $name", async ({ change, simulation: said, over, says }) => {
    const text = change();
    const path = text.startsWith("/") ? text : file("bad.yaml", text);
    const filename = [path, ...(said === undefined ? [] : [file("simulation.yaml", said)])];
    const problem = await previewChange(options({ filename, ...over })).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(BadInput);
    expect((problem as BadInput).message).toMatch(says);
  });
});
