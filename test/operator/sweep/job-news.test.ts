import { describe, expect, it } from "vitest";
import { baseName, jobName } from "../../../src/operator/sweep/job-manifest.ts";
import { failureOf, jobState, resultsOf, waitingOf } from "../../../src/operator/sweep/job-news.ts";
import type { KubeObject } from "../../../src/store/store.ts";

const object = (kind: string, status: object, spec: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name: `${kind.toLowerCase()}-1`, namespace: "inference" },
  spec,
  status,
});
const pod = (state: object): KubeObject => object("Pod", { containerStatuses: [{ state }] });
const job = (type?: string, message = "", spec = {}): KubeObject =>
  object("Job", { conditions: type === undefined ? [] : [{ type, status: "True", message }] }, spec);

describe("what is told of a sweep's Job", () => {
  it("is how it stands, by its conditions first", () => {
    const states = [job(), job(undefined, "", { suspend: true }), job("Complete"), job("Failed"), object("Job", {})];
    expect(states.map(jobState)).toEqual(["running", "suspended", "complete", "failed", "running"]);
  });

  it("is what pods have left, whatever became of them", () => {
    const message = '{"servetwin":"0.1.0","round":"d"}\n[0,0,1,null,null,1.5]\n';
    const pods = [
      pod({ terminated: { exitCode: 0, message } }),
      pod({ terminated: { exitCode: 137, reason: "OOMKilled", message } }),
      pod({ terminated: { exitCode: 1, message: "something else" } }),
      pod({ running: {} }),
      object("Pod", {}),
    ];
    expect(resultsOf(pods).map(({ rows }) => rows)).toEqual([
      [[0, 0, 1, null, null, 1.5]],
      [[0, 0, 1, null, null, 1.5]],
    ]);
  });

  it("is what a pod waits for in vain, and not what takes a moment", () => {
    expect(waitingOf([pod({ waiting: { reason: "ContainerCreating" } })])).toBeUndefined();
    expect(waitingOf([pod({ waiting: { reason: "ImagePullBackOff", message: "no such image" } })])).toBe(
      "a pod waits: ImagePullBackOff: no such image",
    );
  });

  it("is why it failed, and what would be better", () => {
    const killed = [pod({ terminated: { exitCode: 137, reason: "OOMKilled" } })];
    const failed = job("Failed", "Job has failed indexes");
    expect(failureOf(failed, killed)).toMatchObject({
      reason: "SweepPodsFailed",
      message: "Job job-1 failed: Job has failed indexes; pod pod-1 ended with 137 (OOMKilled)",
      fix: "raise spec.sweep.job.memory, or mirror fewer replicas",
    });
    expect(failureOf(failed, []).fix).toBe("see kubectl logs -n inference job/job-1");
  });

  it("goes by names that a host may have, whatever the simulation is called", () => {
    const longest = jobName(baseName(`a.${"b".repeat(250)}`, "f".repeat(64)), 999, 2);
    // Of a Pod's host name, the index follows.
    expect(`${longest}-63`).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    expect(baseName("chat.-", "f".repeat(64))).toBe("chat-sweep-ffffffffff");
  });
});
