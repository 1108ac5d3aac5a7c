import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump, load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { OperatorMetrics } from "../../src/exporter/operator-metrics.ts";
import { binaries } from "../env/build.ts";

const ALERTS = "deploy/operator/alerts.yaml";
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const { spec } = load(readFileSync(ALERTS, "utf8")) as { spec: { groups: { rules: Rule[] }[] } };

describe(ALERTS, () => {
  it("asks for series that the operator exports", async () => {
    const state = {
      leading: true,
      workers: { active: 0, most: 1 },
      queue: { waiting: { edit: 0, resync: 0 }, unfinishedSeconds: 0, longestSeconds: 0 },
      simulations: [],
    };
    const exported = (await new OperatorMetrics(() => state, { version: "0" }, false).described()).map(
      ({ name }) => name,
    );
    const asked = spec.groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/servetwin_\w+/g) ?? []));
    expect(asked.length).toBeGreaterThan(1);
    expect(exported).toEqual(expect.arrayContaining(asked));
  });

  it("fires after ten minutes, and says for whom and why, as promtool finds", async () => {
    const { promtool } = await binaries({ needed: ["promtool"] });
    const folder = mkdtempSync(join(tmpdir(), "servetwin-alerts-"));
    try {
      writeFileSync(join(folder, "rules.yaml"), dump(spec));
      const [rule] = spec.groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert === "ServetwinDrifted");
      const of = (simulation: string, cause: string) => ({ simulation, cause });
      const annotations = {
        summary: "inference/a no longer simulates what production does (EngineDiffers)",
        description: rule?.annotations["description"],
      };
      const fires = [
        { exp_labels: { severity: "warning", ...of("inference/a", "EngineDiffers") }, exp_annotations: annotations },
      ];
      const test = {
        rule_files: ["rules.yaml"],
        evaluation_interval: "1m",
        tests: [
          {
            interval: "1m",
            input_series: [
              { series: 'servetwin_drifted{simulation="inference/a",cause="EngineDiffers"}', values: "1x30" },
              { series: 'servetwin_drifted{simulation="inference/b",cause=""}', values: "0x30" },
              { series: 'servetwin_drifted{simulation="inference/c",cause="EngineDiffers"}', values: "1x4 0x26" },
            ],
            alert_rule_test: [
              { eval_time: "5m", alertname: "ServetwinDrifted", exp_alerts: [] },
              { eval_time: "20m", alertname: "ServetwinDrifted", exp_alerts: fires },
              { eval_time: "20m", alertname: "ServetwinShadowLags", exp_alerts: [] },
            ],
          },
        ],
      };
      writeFileSync(join(folder, "test.yaml"), dump(test, { noRefs: true }));
      const said = await promisify(execFile)(promtool, ["test", "rules", join(folder, "test.yaml")]).catch(
        (error: { stdout: string; stderr: string }) => error,
      );
      expect(`${said.stdout}${said.stderr}`).toContain("SUCCESS");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
