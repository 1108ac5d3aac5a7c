import { describe, expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { Mirrored } from "../../src/twin/mirror.ts";
import { type Json, Quickstart } from "./quickstart.ts";

/** As production-stack's chart renders it. */
const router = (setup: Quickstart, logic: string, ...more: readonly string[]): Json => {
  const { namespace } = setup.deployment.metadata;
  const selector = Object.entries(setup.deployment.spec.template.metadata.labels).map(
    ([key, value]) => `${key}=${value}`,
  );
  const args = [
    ...["--host", "0.0.0.0", "--port", "8000", "--service-discovery", "k8s", "--k8s-namespace", namespace],
    ...["--k8s-service-discovery-type", "pod-ip", "--k8s-label-selector", selector.join(",")],
    ...["--routing-logic", logic, "--engine-stats-interval", "15", "--request-stats-window", "60", ...more],
  ];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "vllm-deployment-router", namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { environment: "router" } },
      template: {
        metadata: { labels: { environment: "router" } },
        spec: { containers: [{ name: "router-container", image: "lmcache/lmstack-router:latest", args }] },
      },
    },
  };
};

const mirrored = (logic: string, ...more: readonly string[]) => {
  const setup = new Quickstart();
  const deployment = router(setup, logic, ...more);
  setup.others.push(deployment);
  return { setup, deployment };
};
const good = (setup: Quickstart): Mirrored => {
  const result = setup.mirror();
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value;
};
const problems = (setup: Quickstart) => {
  const result = setup.mirror();
  return result.ok ? result.warnings : result.problems;
};
const ARGS = "spec.template.spec.containers[0].args";

describe("production-stack's router", () => {
  it.each([
    ["roundrobin", [], { policy: "production-stack-roundrobin" }],
    ["session", ["--session-key", "x-user-id"], { policy: "production-stack-session" }],
    ["prefixaware", [], { policy: "production-stack-prefixaware" }],
    [
      "kvaware",
      ["--kv-aware-threshold=500"],
      { policy: "production-stack-kvaware", kvAwareThreshold: 500, kvBlockTokens: 16 },
    ],
    [
      "disaggregated_prefill_orchestrated",
      ["--prefill-model-labels", "p", "--decode-model-labels", "d,e"],
      {
        policy: "production-stack-disaggregated",
        prefillModelLabels: "p",
        decodeModelLabels: "d,e",
        orchestrated: true,
      },
    ],
  ] as const)("is the policy that its flags are: %s", (logic, more, policy) => {
    const { setup } = mirrored(logic, ...more);
    const { scenario, values, reads } = good(setup);
    expect(scenario.gateway).toMatchObject({ kind: "policy", policy, scrapeIntervalMicros: 15e6 });
    expect(scenario.gateway.kvTransfer !== undefined).toBe(logic.startsWith("disaggregated"));
    const told = values.find(({ path }) => path === "gateway.policy");
    expect(told && [told.value, describeSource(told.from)]).toEqual([
      policy.policy,
      `Deployment/${setup.deployment.metadata.namespace}/vllm-deployment-router ${ARGS}[13]`,
    ]);
    expect(reads.map(({ name }) => name)).toContain("vllm-deployment-router");
    const before = new Quickstart();
    expect(problems(setup)).toEqual(problems(before));
  });

  it("has several routers at work side by side", () => {
    const { setup, deployment } = mirrored("roundrobin");
    deployment.spec.replicas = 2;
    expect(good(setup).scenario.gateway.pickers).toBe(2);
  });

  it.each([
    ["of other pods", (d: Json) => d.spec.template.spec.containers[0].args.splice(11, 1, "app=other")],
    ["of another namespace", (d: Json) => d.spec.template.spec.containers[0].args.splice(7, 1, "other")],
  ])("is passed over where it is one %s", (_what, change) => {
    const { setup, deployment } = mirrored("roundrobin");
    change(deployment);
    expect(good(setup).scenario.gateway).toMatchObject({ policy: { policy: "random" } });
  });

  it("gives way to a policy that is said", () => {
    const { setup } = mirrored("roundrobin");
    setup.simulation.spec.overrides = { ...setup.simulation.spec.overrides, gateway: { policy: { policy: "random" } } };
    expect(good(setup).scenario.gateway).toMatchObject({ policy: { policy: "random" } });
  });

  it.each<[string, readonly string[], RegExp]>([
    ["rundrobin", [], /no routing logic rundrobin.*did you mean roundrobin/s],
    ["session", [], /session needs --session-key/],
    ["disaggregated_prefill", ["--prefill-model-labels", "p"], /needs --decode-model-labels/],
    ["roundrobin", ["--dynamic-config-json", "/a.json"], /--dynamic-config-json: its file may set any flag/],
    ["roundrobin", ["--max-instance-failover-reroute-attempts", "2"], /reroute-attempts .* not modelled/],
    ["prefixaware", ["--prefix-min-match-length", "256"], /--prefix-min-match-length 256 is not modelled/],
    ["roundrobin", ["--sesion-key", "x"], /--session-key/],
    ["roundrobin", ["--engine-stats-interval", "0"], /--engine-stats-interval must be greater than 0/],
    ["roundrobin", ["--service-discovery", "static"], /--service-discovery static, which is not followed/],
  ])("%s %j is told of", (logic, more, expected) => {
    const { setup } = mirrored(logic, ...more);
    expect(problems(setup).map(describeProblem).join("\n")).toMatch(expected);
  });

  it("must be one", () => {
    const { setup, deployment } = mirrored("roundrobin");
    const other = structuredClone(deployment);
    other.metadata.name = "second";
    setup.others.push(other);
    expect(problems(setup).map(describeProblem).join("\n")).toMatch(/vllm-deployment-router and second both route/);
  });
});
