import { describe, expect, it } from "vitest";
import { HorizontalPodAutoscaler } from "../../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import { type HpaMetric, withBehaviorDefaults } from "../../../src/controlplane/hpa/spec.ts";
import { at, metricsApi, podView, scaleView, spec, waiting } from "./fixtures.ts";

const external = (milli: number): HpaMetric => ({
  type: "External",
  metric: "vllm:num_requests_running",
  selector: { pool: "chat" },
  target: { type: "AverageValue", milli },
});

const reasonsOf = (decision: { readonly events: readonly { readonly reason: string }[] }) =>
  decision.events.map(({ reason }) => reason);

describe("HorizontalPodAutoscaler", () => {
  it("shows the limits and the period of its controller", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ minReplicas: 2, maxReplicas: 7 }), { syncPeriodMicros: 5e6 });
    expect(hpa).toMatchObject({ minReplicas: 2, maxReplicas: 7, periodMicros: 5e6 });
    expect(new HorizontalPodAutoscaler(spec()).periodMicros).toBe(15e6);
  });

  it("says what it saw, against what, and what each metric asked for", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ metrics: [waiting(10), external(64_000)] }));
    const decision = hpa.sync(at(0), scaleView(2), metricsApi({ perPod: [15, 20], total: 100 }));
    expect(decision).toMatchObject({ desiredReplicas: 4, rescale: true });
    expect(decision.reason).toBe("pods metric vllm:num_requests_waiting above target");
    expect(decision.metrics).toEqual([
      {
        name: "vllm:num_requests_waiting",
        source: "Pods",
        seen: 17.5,
        target: 10,
        targetType: "average",
        proposal: 4,
      },
      {
        name: "vllm:num_requests_running",
        source: "External",
        seen: 50,
        target: 64,
        targetType: "average",
        proposal: 2,
      },
    ]);
    expect(decision).toMatchObject({ proposal: 4, stabilised: 4 });
    expect(decision.limitedBy).toBeUndefined();
    expect(decision.events).toEqual([
      {
        type: "Normal",
        reason: "SuccessfulRescale",
        message: "New size: 4; reason: pods metric vllm:num_requests_waiting above target",
      },
    ]);
  });

  it("says what stabilisation held back and what limit cut, of this pass only", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ maxReplicas: 5 }));
    const up = hpa.sync(at(0), scaleView(2), metricsApi({ perPod: [100, 100] }));
    expect(up).toMatchObject({ proposal: 20, stabilised: 20, limitedBy: "ScaleUpLimit", desiredReplicas: 4 });
    const most = hpa.sync(at(15), scaleView(4), metricsApi({ perPod: [20, 20, 20, 20] }));
    expect(most).toMatchObject({ proposal: 8, stabilised: 20, limitedBy: "TooManyReplicas", desiredReplicas: 5 });
    const held = hpa.sync(at(30), scaleView(5), metricsApi({ perPod: [1, 1, 1, 1, 1] }));
    expect(held).toMatchObject({ proposal: 1, stabilised: 20, limitedBy: "TooManyReplicas", desiredReplicas: 5 });
    const failed = hpa.sync(at(45), scaleView(5), metricsApi({}));
    expect([failed.proposal, failed.stabilised, failed.limitedBy]).toEqual([undefined, undefined, undefined]);
  });

  it("names an external metric with its selector, as the real events do", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ metrics: [external(10_000)] }));
    expect(hpa.sync(at(0), scaleView(1), metricsApi({ total: 20 })).reason).toBe(
      "external metric vllm:num_requests_running(&LabelSelector{MatchLabels:map[string]string{pool: chat,}," +
        "MatchExpressions:[]LabelSelectorRequirement{},}) above target",
    );
  });

  it("holds without data, and keeps the last wish", () => {
    const hpa = new HorizontalPodAutoscaler(spec());
    hpa.sync(at(0), scaleView(2), metricsApi({ perPod: [20, 20] }));
    const decision = hpa.sync(at(15), scaleView(4), metricsApi({}));
    expect(decision).toMatchObject({
      desiredReplicas: 4,
      rescale: false,
      reason: "FailedGetPodsMetric",
      error: "FailedGetPodsMetric",
    });
    expect(reasonsOf(decision)).toEqual(["FailedGetPodsMetric", "FailedComputeMetricsReplicas"]);
    expect(decision.metrics).toMatchObject([{ seen: undefined, proposal: undefined }]);
  });

  it("scales up by the metrics that answer, and reports the one that doesn't", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ metrics: [waiting(10), external(10_000)] }));
    const decision = hpa.sync(at(0), scaleView(2), metricsApi({ perPod: [20, 20] }));
    expect(decision).toMatchObject({ desiredReplicas: 4, rescale: true, error: "FailedGetExternalMetric" });
  });

  it.each([
    { current: 12, desired: 10, reason: "Current number of replicas above Spec.MaxReplicas" },
    { current: 2, desired: 3, reason: "Current number of replicas below Spec.MinReplicas" },
  ])("goes from $current into its range without looking at metrics", ({ current, desired, reason }) => {
    const hpa = new HorizontalPodAutoscaler(spec({ minReplicas: 3 }));
    const decision = hpa.sync(at(0), scaleView(current), metricsApi({}));
    expect(decision).toMatchObject({ desiredReplicas: desired, rescale: true, reason, metrics: [] });
    expect(decision.error).toBeUndefined();
  });

  it("scales down only when nothing in the window asked for more", () => {
    const hpa = new HorizontalPodAutoscaler(spec());
    const idle = metricsApi({ perPod: [0, 0, 0, 0] });
    expect(hpa.sync(at(0), scaleView(4), idle)).toMatchObject({ desiredReplicas: 4, reason: "ScaleDownStabilized" });
    for (let second = 15; second <= 300; second += 15) {
      expect(hpa.sync(at(second), scaleView(4), idle).rescale).toBe(false);
    }
    const decision = hpa.sync(at(315), scaleView(4), idle);
    expect(decision).toMatchObject({ desiredReplicas: 1, rescale: true, reason: "All metrics below target" });
  });

  it("adds at the pace of its policies, and counts what it added", () => {
    const behavior = withBehaviorDefaults({ scaleUp: { policies: [{ type: "Pods", value: 2, periodSeconds: 60 }] } });
    const hpa = new HorizontalPodAutoscaler(spec({ behavior, maxReplicas: 20 }));
    const replicas: number[] = [];
    let current = 1;
    for (let second = 0; second <= 75; second += 15) {
      const perPod = Array.from({ length: current }, () => 100);
      current = hpa.sync(at(second), scaleView(current), metricsApi({ perPod })).desiredReplicas;
      replicas.push(current);
    }
    // An event exactly as old as the period is out of it.
    expect(replicas).toEqual([3, 3, 3, 3, 5, 5]);
  });

  it("remembers a change for as long as the policies of its own direction ask", () => {
    const behavior = withBehaviorDefaults({ scaleUp: { policies: [{ type: "Pods", value: 2, periodSeconds: 60 }] } });
    const hpa = new HorizontalPodAutoscaler(spec({ behavior, maxReplicas: 20 }));
    const sync = (second: number, current: number, load: number) =>
      hpa.sync(at(second), scaleView(current), metricsApi({ perPod: Array<number>(current).fill(load) }))
        .desiredReplicas;
    expect(sync(0, 1, 20)).toBe(2);
    expect(sync(30, 2, 100)).toBe(3);
    expect(sync(45, 3, 100)).toBe(3);
  });

  it("follows an older recommendation that a limit had cut, and then gives no reason in its event", () => {
    const hpa = new HorizontalPodAutoscaler(spec());
    expect(hpa.sync(at(0), scaleView(2), metricsApi({ perPod: [40, 40] })).desiredReplicas).toBe(4);
    const decision = hpa.sync(at(15), scaleView(4), metricsApi({ perPod: [10, 10, 10, 10] }));
    expect(decision).toMatchObject({ desiredReplicas: 8, rescale: true, reason: "ScaleDownStabilized" });
    expect(decision.events).toMatchObject([{ message: "New size: 8; reason: " }]);
  });

  it("tells a limit when it holds there", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ maxReplicas: 2 }));
    const decision = hpa.sync(at(0), scaleView(2), metricsApi({ perPod: [50, 50] }));
    expect(decision).toMatchObject({ rescale: false, reason: "TooManyReplicas" });
  });

  it("moves a condition's transition time only when its status flips", () => {
    const hpa = new HorizontalPodAutoscaler(spec());
    const since = (second: number, perPod: number[] | undefined) =>
      hpa.sync(at(second), scaleView(2), metricsApi({ perPod })).conditions.find(({ type }) => type === "ScalingActive")
        ?.lastTransitionAt;
    expect(since(0, [10, 10])).toBe(at(0));
    expect(since(15, [10, 10])).toBe(at(0));
    expect(since(30, undefined)).toBe(at(30));
    expect(since(45, undefined)).toBe(at(30));
    expect(since(60, [10, 10])).toBe(at(60));
  });

  it("counts a pod that reports as ready for a Pods metric, and a starting one as idle when scaling up", () => {
    const pods = [
      podView("pod-0"),
      podView("pod-1", { ready: false }),
      podView("starting", { phase: "Pending", ready: null }),
    ];
    const hpa = new HorizontalPodAutoscaler(spec());
    const decision = hpa.sync(at(0), scaleView(3, { pods }), metricsApi({ perPod: [30, 30] }));
    // (30 + 30 + 0) / 3 is twice the target, for 3 pods.
    expect(decision.metrics[0]).toMatchObject({ seen: 30, proposal: 6 });
  });

  it("takes an HPA without metrics for one on 80 % of the CPU, as the API server does", () => {
    const hpa = new HorizontalPodAutoscaler(spec({ metrics: [] }));
    const decision = hpa.sync(at(0), scaleView(2), metricsApi({}));
    expect(decision.metrics).toEqual([
      { name: "cpu", source: "Resource", seen: undefined, target: 80, targetType: "utilization", proposal: undefined },
    ]);
    expect(decision.error).toBe("FailedGetResourceMetric");
  });

  it.each<{ metric: HpaMetric; error: string }>([
    {
      metric: { type: "Resource", resource: "cpu", target: { type: "Value", milli: 1 } },
      error: "FailedGetResourceMetric",
    },
    {
      metric: { type: "Pods", metric: "m", selector: {}, target: { type: "Value", milli: 1 } },
      error: "FailedGetPodsMetric",
    },
    {
      metric: { type: "External", metric: "m", selector: {}, target: { type: "Utilization", percent: 1 } },
      error: "FailedGetExternalMetric",
    },
    { metric: { type: "Unknown", said: "Cheese" }, error: "InvalidMetricSourceType" },
  ])("fails with $error on a target that doesn't suit $metric.type", ({ metric, error }) => {
    const hpa = new HorizontalPodAutoscaler(spec({ metrics: [metric] }));
    expect(hpa.sync(at(0), scaleView(1), metricsApi({ perPod: [1], total: 1 }))).toMatchObject({
      rescale: false,
      error,
    });
  });

  it("multiplies a Value target by the ready pods: a brake while pods start", () => {
    const metric = { ...external(10_000), target: { type: "Value", milli: 10_000 } } as HpaMetric;
    const pods = Array.from({ length: 6 }, (_, index) => podView(`pod-${index}`, { ready: index < 2 }));
    const hpa = new HorizontalPodAutoscaler(spec({ metrics: [metric], maxReplicas: 30 }));
    expect(hpa.sync(at(0), scaleView(6, { pods }), metricsApi({ total: 30 })).desiredReplicas).toBe(6);
  });
});
