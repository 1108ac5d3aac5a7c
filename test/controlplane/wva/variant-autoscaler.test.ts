import { describe, expect, it } from "vitest";
import type { ControlLoop } from "../../../src/controlplane/control-loop.ts";
import type { ControllerContext, ControllerTarget } from "../../../src/controlplane/controller.ts";
import { controllers } from "../../../src/controlplane/controllers/index.ts";
import { byPod, contextOf, monitoringOf, one, published, Scales, scaleOf, target } from "../controller-fixtures.ts";
import { at } from "../hpa/fixtures.ts";

const loops = (
  targets: readonly ControllerTarget[],
  said: Record<string, unknown> = {},
  context: Partial<ControllerContext> = {},
): readonly [ControlLoop, ControlLoop] => {
  const [main, fromZero] = controllers.create(
    controllers.schema.parse({ name: "wva", ...said }),
    contextOf(targets, context),
  );
  return [main as ControlLoop, fromZero as ControlLoop];
};
const busy = (pods: readonly string[], kv: number, queue: number) =>
  [
    ["kv_cache_usage_perc", byPod(Object.fromEntries(pods.map((pod) => [pod, kv])))],
    ["num_requests_waiting", byPod(Object.fromEntries(pods.map((pod) => [pod, queue])))],
  ] as const;

describe("the Workload Variant Autoscaler", () => {
  it("runs every 30 s, at a phase of its own, and writes no scale", () => {
    const [main, fromZero] = loops([target("chat")]);
    expect(main.firstAfter).toBeLessThan(30e6);
    expect(fromZero.firstAfter).toBeLessThan(100e3);
    const scales = new Scales({ chat: scaleOf("chat", 2) }, monitoringOf(busy(["chat-0", "chat-1"], 0.79, 4)));
    expect(main.run(scales.view(at(30)))).toEqual({ scales: [], againAfter: 30e6 });
  });

  it("publishes one more than there are, and the ratio of both", () => {
    const [main] = loops([target("chat")]);
    const scales = new Scales({ chat: scaleOf("chat", 2) }, monitoringOf(busy(["chat-0", "chat-1"], 0.79, 4)));
    main.run(scales.view(at(30)));
    expect(published(main, "wva_desired_replicas", "chat")).toBe(3);
    expect(published(main, "wva_current_replicas", "chat")).toBe(2);
    expect(published(main, "wva_desired_ratio", "chat")).toBe(1.5);
    expect(main.families?.().at(-1)).toMatchObject({
      name: "wva_replica_scaling",
      samples: [{ labels: { direction: "scale-up", reason: "saturation-only mode" }, value: 1 }],
    });
    expect(main.families?.()[0]?.samples[0]?.labels).toEqual({
      variant_name: "chat",
      namespace: "serving",
      accelerator_type: "H100",
    });
  });

  it("asks for the variant's own namespace and model, and knows pods by their workload", () => {
    const monitoring = monitoringOf(busy(["chat-0", "stranger-0"], 0.79, 4));
    const [main] = loops([target("chat", { model: 'a"b' })]);
    main.run(new Scales({ chat: scaleOf("chat", 1) }, monitoring).view(at(30)));
    expect(monitoring.asked[0]).toBe(
      'max by (pod) (max_over_time(vllm:kv_cache_usage_perc{namespace="serving",model_name="a\\"b"}[1m]))',
    );
    expect(published(main, "wva_desired_replicas", "chat")).toBe(2);
  });

  it.each([
    ["nothing is told", monitoringOf([])],
    ["Prometheus doesn't answer", monitoringOf([["vllm", "unreachable"]])],
  ])("publishes what there is where %s", (_name, monitoring) => {
    const [main] = loops([target("chat")]);
    main.run(new Scales({ chat: scaleOf("chat", 4) }, monitoring).view(at(30)));
    expect(published(main, "wva_desired_replicas", "chat")).toBe(4);
  });

  it("goes on from what a VariantAutoscaling's status says; an annotated object has none", () => {
    const silent = monitoringOf([]);
    const busyNow = monitoringOf(busy(["chat-0"], 0.79, 4));
    const after = (kind: "crd" | "annotated"): number | undefined => {
      const [main] = loops([target("chat", { kind })]);
      main.run(new Scales({ chat: scaleOf("chat", 1) }, busyNow).view(at(30)));
      main.run(new Scales({ chat: scaleOf("chat", 1) }, silent).view(at(60)));
      return published(main, "wva_desired_replicas", "chat");
    };
    expect(after("crd")).toBe(2);
    expect(after("annotated")).toBe(1);
  });

  it("weighs prefill and decode each on its own", () => {
    const targets = [target("prefill", { role: "prefill" }), target("decode", { role: "decode" })];
    const monitoring = monitoringOf([
      ["kv_cache_usage_perc", byPod({ "prefill-0": 0.79, "decode-0": 0.1, "decode-1": 0.1 })],
      ["num_requests_waiting", byPod({ "prefill-0": 4 })],
    ]);
    const [main] = loops(targets);
    main.run(new Scales({ prefill: scaleOf("prefill", 1), decode: scaleOf("decode", 2) }, monitoring).view(at(30)));
    expect(published(main, "wva_desired_replicas", "prefill")).toBe(2);
    expect(published(main, "wva_desired_replicas", "decode")).toBe(1);
  });

  it("by tokens, adds as many as are missing, up to the maximum", () => {
    const monitoring = (kv: number) =>
      monitoringOf([
        ["kv_cache_usage_perc", byPod({ "chat-0": kv })],
        ["cache_config_info", [{ labels: { pod: "chat-0", num_gpu_blocks: "1000", block_size: "16" }, value: 1 }]],
        ["flow_control_queue_size", one(400)],
        ["request_prompt_tokens", byPod({ "chat-0": 100 })],
      ]);
    const wanted = (maxReplicas: number): number | undefined => {
      const [main] = loops([target("chat", { maxReplicas })], { analyzer: "tokens" });
      main.run(new Scales({ chat: scaleOf("chat", 1) }, monitoring(0.5)).view(at(30)));
      return published(main, "wva_desired_replicas", "chat");
    };
    // In use 8000 and 400 x 100 queued, of which 0.85 may be used: 56471, by 12800 each.
    expect(wanted(100)).toBe(5);
    expect(wanted(3)).toBe(3);
  });

  it("keeps to the GPUs there are", () => {
    const twins = [target("chat", { gpusPerReplica: 2 })];
    const wanted = (gpus: Record<string, number>): number | undefined => {
      const [main] = loops(twins, { gpus });
      main.run(new Scales({ chat: scaleOf("chat", 1) }, monitoringOf(busy(["chat-0"], 0.79, 4))).view(at(30)));
      return published(main, "wva_desired_replicas", "chat");
    };
    expect(wanted({ H100: 4 })).toBe(2);
    expect(wanted({ H100: 3 })).toBe(1);
    expect(wanted({ A100: 8 })).toBe(1);
  });

  describe("zero", () => {
    const zero = (finished: number, minReplicas: number, scaleToZero = true): number | undefined => {
      const [main] = loops([target("chat", { minReplicas })], { scaleToZero, retention: "15m" });
      const monitoring = monitoringOf([["request_success_total", one(finished)], ...busy(["chat-0"], 0, 0)]);
      main.run(new Scales({ chat: scaleOf("chat", 1) }, monitoring).view(at(30)));
      if (scaleToZero && minReplicas === 0) expect(monitoring.asked.at(-1)).toContain("[15m]");
      return published(main, "wva_desired_replicas", "chat");
    };
    it("follows when nobody has asked for the retention period", () => {
      expect(zero(0, 0)).toBe(0);
      expect(zero(1, 0)).toBe(1);
    });
    it("is for variants without a minimum, and where it is wanted", () => {
      expect(zero(0, 1)).toBe(1);
      expect(zero(0, 0, false)).toBe(1);
    });
    it("ends within 100 ms of the first request that waits at the picker", () => {
      let queued = 0;
      const [, fromZero] = loops(
        [target("chat"), target("other", { model: "b" })],
        {},
        { queuedAtPicker: () => queued },
      );
      const scales = new Scales({ chat: scaleOf("chat", 0), other: scaleOf("other", 2) }, monitoringOf([]));
      expect(fromZero.run(scales.view(at(1)))).toEqual({ scales: [], againAfter: 100e3 });
      queued = 1;
      expect(fromZero.run(scales.view(at(2))).scales).toEqual([
        { workload: "chat", replicas: 1, reason: "scalefromzero mode: pending request - scale-up" },
      ]);
    });
  });
});
