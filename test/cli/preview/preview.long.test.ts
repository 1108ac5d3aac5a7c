import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { json } from "../../../src/cli/formats/json.ts";
import { previewChange } from "../../../src/cli/preview/preview-change.ts";
import { manifest, Platform, simulation, threeAtLeast } from "./platform.ts";

let platform: Platform;
beforeAll(() => {
  platform = new Platform();
});
afterAll(() => platform.gone());

describe("servetwin preview", () => {
  it("gives the same bytes on any number of threads", async () => {
    const filename = [platform.file("change.yaml", threeAtLeast()), platform.file("simulation.yaml", simulation())];
    const texts: string[] = [];
    for (const threads of [1, 2, 5]) {
      const { answer } = await previewChange(platform.options({ filename, threads }));
      texts.push(json.compare?.(answer) ?? "");
    }
    expect(texts[0]?.length).toBeGreaterThan(10_000);
    expect(new Set(texts).size).toBe(1);
  });

  it("answers for the example, as docs/preview.md has it", async () => {
    const [filename, manifests] = ["deploy/examples/preview/hpa.yaml", "deploy/examples/quickstart"];
    const { answer } = await previewChange(
      platform.options({ filename: [filename], manifests, horizon: "12m", budget: 1 }),
    );
    expect(answer.previews.map(({ name, values }) => [name, values.map(({ path }) => path)])).toEqual([
      ["inference/chat-preview", ["autoscalers[vllm-llama-8b].minReplicas"]],
    ]);
  });

  it("fails a change that makes the service worse, where no objective is said", async () => {
    const slower = manifest("vllm-llama-8b.yaml").replace("--max-num-seqs=$(MAX_NUM_SEQS)", "--max-num-seqs=1");
    const filename = [platform.file("change.yaml", slower), platform.file("simulation.yaml", simulation("", "4m"))];
    const { exitCode, answer } = await previewChange(platform.options({ filename }));
    expect(exitCode).toBe(1);
    expect(answer.previews[0]?.comparison.goals.find(({ metric }) => metric === "ttft")?.verdict).toBe("worse");
  });
});
