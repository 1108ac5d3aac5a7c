import { describe, expect, it } from "vitest";
import { kpisOf, reportsOf } from "./reports.ts";

/** The examples of the control loop, run as their descriptions say, and what they say of them. */
const quickstart = ["-f", "deploy/examples/quickstart/vllm-llama-8b.yaml", "-f", "deploy/examples/quickstart/hpa.yaml"];

describe("examples of the control loop", () => {
  it("scale by three signals of the endpoint picker", async () => {
    const reports = await reportsOf("-f", "deploy/examples/keda");
    const peak = (name: string): number => kpisOf(reports, `llm-d/${name} baseline`).replicas.max;
    expect([peak("token-aware"), peak("queue-guard")]).toEqual([3, 4]);
    expect(peak("saturation")).toBeGreaterThanOrEqual(3);
    const findings = reports["llm-d/saturation baseline"]?.findings ?? [];
    expect(findings.map(({ message }) => message).join()).toMatch(/not a total over the replicas/);
  });

  it("scale through prometheus-adapter's rules", async () => {
    const reports = await reportsOf(
      ...["-f", "deploy/examples/keda/qwen3-32b.yaml", "-f", "deploy/examples/keda/endpoint-picker.yaml"],
      ...["-f", "deploy/examples/prometheus-adapter"],
    );
    const { scaleEvents = [], kpis } = reports["llm-d/adapter baseline"] ?? {};
    expect(kpis?.replicas.max).toBe(4);
    expect(scaleEvents.map(({ reason }) => reason).join()).toMatch(/igw_running_requests/);
  });

  it("wait for machines, and for fewer where there is one more", async () => {
    const reports = await reportsOf(...quickstart, "-f", "deploy/examples/nodes");
    const [one, two] = ["baseline", "two-machines"].map((name) => kpisOf(reports, `inference/bought-nodes ${name}`));
    expect(one?.nodes?.schedulingSeconds.max).toBeGreaterThan(240);
    expect(one?.nodes?.pools.h100?.nodes).toMatchObject({ min: 1, max: 4 });
    expect(two?.ttftSeconds.p99).toBeLessThan((one?.ttftSeconds.p99 ?? 0) / 2);
    expect((two?.nodes?.cost ?? 0) / (one?.nodes?.cost ?? 1)).toBeLessThan(1.1);
  });

  it("stand still while Prometheus is away", async () => {
    const reports = await reportsOf(...quickstart, "-f", "deploy/examples/faults");
    const first = (name: string): number =>
      reports[`inference/${name} baseline`]?.scaleEvents.find(({ from, to }) => to > from)?.atSeconds ?? 0;
    expect(first("sound")).toBeLessThan(600);
    expect(first("prometheus-away")).toBeGreaterThan(16 * 60);
    const [sound, away] = ["sound", "prometheus-away"].map((name) => kpisOf(reports, `inference/${name} baseline`));
    expect(away?.ttftSeconds.p99).toBeGreaterThan(2 * (sound?.ttftSeconds.p99 ?? 0));
  });

  it("get nodes two by two, for groups of 16 GPUs", async () => {
    const reports = await reportsOf("-f", "deploy/examples/leaderworkerset");
    const { replicas, gpuHours, replicaHours } = kpisOf(reports, "inference/llama-405b baseline");
    expect(replicas.max).toBe(4);
    expect(gpuHours).toBeCloseTo(16 * replicaHours, 6);
  });
});
