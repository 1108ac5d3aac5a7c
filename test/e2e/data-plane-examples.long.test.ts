import { describe, expect, it } from "vitest";
import { kpisOf, reportsOf } from "./reports.ts";

/** The examples of the data plane, run as their descriptions say, and what they say of them. */
describe("examples of the data plane", () => {
  it("find in any tier what GPUs don't hold", async () => {
    const reports = await reportsOf("-f", "deploy/examples/kv-tiers");
    const ttft = (name: string): number => kpisOf(reports, `serving/manuals ${name}`).ttftSeconds.p90;
    for (const tier of ["baseline", "file-system", "mooncake"])
      expect(ttft(tier), tier).toBeLessThan(ttft("gpu-only") / 3);
  });

  it("have pickers that each know of a part", async () => {
    const epp = ["vllm-qwen3-14b", "pool", "endpoint-picker"];
    const reports = await reportsOf(
      ...epp.flatMap((name) => ["-f", `deploy/examples/llm-d-epp/${name}.yaml`]),
      ...["-f", "deploy/examples/active-pickers"],
    );
    const p99 = (name: string): number => kpisOf(reports, `serving/active-pickers ${name}`).ttftSeconds.p99;
    expect(p99("three-pickers")).toBeGreaterThan(1.1 * p99("baseline"));
  });

  it("go by production-stack's router", async () => {
    const reports = await reportsOf("-f", "deploy/examples/production-stack");
    const hits = (name: string): number => kpisOf(reports, `serving/stack ${name}`).prefixCacheHitRatio;
    expect(hits("baseline")).toBeGreaterThan(1.15 * hits("two-routers"));
    expect(hits("two-routers")).toBeGreaterThan(1.3 * hits("roundrobin"));
  });
});
