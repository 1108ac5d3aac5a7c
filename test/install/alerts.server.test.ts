import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OperatorMetrics } from "../../src/exporter/operator-metrics.ts";
import { binaries } from "../env/build.ts";
import { temporaryDirectory } from "../env/daemon.ts";
import { kustomize } from "./render.ts";

/** The operator's alerts, on made-up series, as promtool evaluates them. */

interface Groups {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

const files = temporaryDirectory("alerts");
let promtool: string;
let rules: Groups;
beforeAll(async () => {
  promtool = (await binaries({ needed: ["promtool"] })).promtool;
  const manifests = await kustomize("deploy/kustomize/components/monitoring");
  rules = manifests.find(({ kind }) => kind === "PrometheusRule")?.spec as Groups;
  writeFileSync(join(files.path, "rules.yaml"), dump(rules));
});
afterAll(() => files.remove());

const OWN = 'namespace="servetwin-system",job="servetwin-system/servetwin"';
const QUEUE = `workqueue_queue_duration_seconds_bucket{${OWN},name="inferencesimulation"`;
const HEALTHY = {
  [`leader_election_master_status{${OWN},name="servetwin"}`]: "1x60",
  [`controller_runtime_reconcile_errors_total{${OWN},controller="inferencesimulation"}`]: "3x60",
  [`${QUEUE},le="10.0"}`]: "0+60x60",
  [`${QUEUE},le="100.0"}`]: "0+60x60",
  [`${QUEUE},le="+Inf"}`]: "0+60x60",
  [`servetwin_shadow_lag_seconds{${OWN},simulation="inference/chat"}`]: "0.2x60",
  [`servetwin_drifted{${OWN},simulation="inference/chat",cause=""}`]: "0x60",
  [`rest_client_requests_total{${OWN},code="200"}`]: "0+60x60",
  [`rest_client_requests_total{${OWN},code="500"}`]: "0+1x60",
};

interface Case {
  readonly alert: string;
  /** Series that are otherwise than healthy. */
  readonly over: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What promtool says of the expectation that `said` fires after an hour of one sample a minute, or that nothing does. */
const tested = async (name: string, alert: string, over: Case["over"], said?: Case): Promise<string> => {
  const series = Object.entries({ ...HEALTHY, ...over }).map(([series, values]) => ({ series, values }));
  const rule = rules.groups.flatMap((group) => group.rules).find((one) => one.alert === alert);
  const expected = said && {
    exp_labels: { severity: "warning", ...said.labels },
    exp_annotations: { description: rule?.annotations.description, summary: said.summary },
  };
  const test = {
    rule_files: ["rules.yaml"],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: series,
        alert_rule_test: [{ eval_time: "59m", alertname: alert, exp_alerts: expected === undefined ? [] : [expected] }],
      },
    ],
  };
  const file = join(files.path, `${name}.yaml`);
  writeFileSync(file, dump(test));
  return promisify(execFile)(promtool, ["test", "rules", file]).then(
    ({ stdout }) => stdout,
    (error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`,
  );
};

const NAMESPACE = { namespace: "servetwin-system" };
const CASES: readonly Case[] = [
  {
    alert: "ServetwinHasNoLeader",
    over: { [`leader_election_master_status{${OWN},name="servetwin"}`]: "0x60" },
    summary: "No servetwin operator leads, so no simulation is run or updated.",
    labels: {},
  },
  {
    alert: "ServetwinReconcilesFail",
    over: { [`controller_runtime_reconcile_errors_total{${OWN},controller="inferencesimulation"}`]: "0+1x60" },
    summary: "Reconciles of InferenceSimulations have been failing for a quarter of an hour.",
    labels: NAMESPACE,
  },
  {
    alert: "ServetwinQueueIsSlow",
    over: { [`${QUEUE},le="10.0"}`]: "0+30x60" },
    summary: "Changes wait 1m 38s before servetwin looks at them (99th percentile).",
    labels: NAMESPACE,
  },
  {
    alert: "ServetwinDrifted",
    over: { [`servetwin_drifted{${OWN},simulation="inference/a",cause="EngineDiffers"}`]: "1x60" },
    summary: "inference/a no longer simulates what production does (EngineDiffers)",
    labels: { simulation: "inference/a", cause: "EngineDiffers" },
  },
  {
    alert: "ServetwinShadowLags",
    over: { [`servetwin_shadow_lag_seconds{${OWN},simulation="inference/chat"}`]: "90x60" },
    summary: "inference/chat is more than a minute behind",
    labels: { simulation: "inference/chat" },
  },
  {
    alert: "ServetwinAPIRequestsFail",
    over: { [`rest_client_requests_total{${OWN},code="500"}`]: "0+60x60" },
    summary: "Of the operator's requests to the API server 50% fail.",
    labels: NAMESPACE,
  },
];

describe("the operator's alerts", () => {
  it("are those that are tested here", () => {
    const names = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
    expect(names).toEqual(CASES.map(({ alert }) => alert));
  });

  it("ask for series that the operator exports", async () => {
    const state = {
      leading: true,
      workers: { active: 0, most: 1 },
      queue: { waiting: { edit: 0, resync: 0 }, unfinishedSeconds: 0, longestSeconds: 0 },
      pendingSamples: 0,
      simulations: [],
    };
    const described = await new OperatorMetrics(() => state, { version: "0" }, false).described();
    const exported = described.flatMap(({ name }) => [name, `${name}_total`, `${name}_bucket`]);
    const asked = rules.groups.flatMap((group) =>
      group.rules.flatMap(
        ({ expr }) => expr.match(/\b(?:servetwin|leader_election|controller_runtime|workqueue|rest_client)_\w+/g) ?? [],
      ),
    );
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter((name) => !exported.includes(name))).toEqual([]);
  });

  it.each(CASES)("$alert fires when it should, and is silent otherwise", async (one) => {
    expect(await tested(`${one.alert}-healthy`, one.alert, {})).toContain("SUCCESS");
    expect(await tested(one.alert, one.alert, one.over, one)).toContain("SUCCESS");
  });
});
