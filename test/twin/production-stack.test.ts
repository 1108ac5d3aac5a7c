import { expect, it } from "vitest";
import type { PolicySaid } from "../../src/dataplane/policies/index.ts";
import type { Fact } from "../../src/model/fact.ts";
import { instant } from "../../src/sim/time.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, workload } from "./scenario-fixture.ts";

const policy = (orchestrated: boolean): PolicySaid => ({
  policy: "production-stack-disaggregated",
  prefillModelLabels: "p",
  decodeModelLabels: "d",
  orchestrated,
});

/** @returns pods that computed prompts and pods that made tokens, and how many transfers there were */
const served = (orchestrated: boolean) => {
  const facts: Fact[] = [];
  const kinds = ["p", "d"].map((model) =>
    workload({ name: model, podLabels: { model }, kvBytesPerToken: 131_072, replicas: 2 }),
  );
  const kvTransfer = { gigabytesPerSecond: 25, latencyMicros: 50, contention: true, failureRatio: 0 };
  const said = scenario({
    horizonMicros: 20e6,
    workloads: kinds,
    gateway: { kind: "policy", policy: policy(orchestrated), scrapeIntervalMicros: 50_000, kvTransfer },
    traffic: { kind: "synthetic", synthetic: chat(2) },
  });
  const world = new World(said, (fact) => void facts.push(fact));
  world.runUntil(instant(20e6));
  const podsOf = (kind: "prefilled" | "finished"): readonly string[] =>
    [...new Set(facts.flatMap((fact) => (fact.kind === kind ? [fact.workload + fact.pod.slice(-2)] : [])))].sort();
  const ended = facts.filter((fact) => fact.kind === "transfer" && fact.event === "ended").length;
  const finished = facts.filter(({ kind }) => kind === "finished").length;
  return { prefill: podsOf("prefilled").length, decode: podsOf("finished").length, ended, finished, facts };
};

it.each([
  { orchestrated: false, pods: 1 },
  { orchestrated: true, pods: 2 },
])(
  "production-stack has prompts computed by $pods pods and tokens made by as many others",
  ({ orchestrated, pods }) => {
    const { prefill, decode, ended, finished, facts } = served(orchestrated);
    expect([prefill, decode]).toEqual([pods, pods]);
    expect(finished).toBeGreaterThan(10);
    expect(ended).toBeGreaterThanOrEqual(finished);
    const workloads = facts.flatMap((fact) => (fact.kind === "finished" ? [fact.workload] : []));
    expect(new Set(workloads)).toEqual(new Set(["d"]));
  },
);
