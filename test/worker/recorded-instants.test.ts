import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startOf } from "../../src/twin/start-of.ts";
import { runPreview } from "../../src/worker/preview.ts";
import type { RecordedSeriesSaid } from "../../src/worker/protocol.ts";
import { chat, scenario } from "../twin/scenario-fixture.ts";

const recorded: RecordedSeriesSaid = { startUnixSeconds: 1e9, everySeconds: 15, naming: "Production", labels: {} };
const maxTraceBytes = 1e6;

describe("series over time of a preview", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "servetwin-instants-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are taken from the start to the horizon, bear what marks them as simulated, and leave the run as it is", async () => {
    const metricsFile = join(folder, "twin.om");
    const said = scenario({ horizonMicros: 60e6, traffic: { kind: "synthetic", synthetic: chat(4) } });
    const result = await runPreview({ scenario: said, maxTraceBytes, metricsFile, recorded });
    const text = readFileSync(metricsFile, "utf8");
    const lines = text.split("\n").filter((line) => line.startsWith("kube_deployment_spec_replicas{"));
    expect(lines.map((line) => line.split(" ").at(-1))).toEqual(
      [0, 15, 30, 45, 60].map((seconds) => (1e9 + seconds).toFixed(3)),
    );
    const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(samples.every((line) => line.includes(`origin="simulated",simulation="${said.simulation}"`))).toBe(true);
    expect(await runPreview({ scenario: said, maxTraceBytes })).toEqual(result);
  });

  it("are not left behind half by a run that fails", async () => {
    const metricsFile = join(folder, "failed.om");
    const traffic = {
      kind: "trace",
      format: "azure-2023",
      input: { kind: "inline", base64: "", digest: "d" },
      rateScale: 1,
      startOffsetMicros: 0,
      onError: "Fail",
      maxRequests: 1,
    } as const;
    const result = await runPreview({ scenario: scenario({ traffic }), maxTraceBytes, metricsFile, recorded });
    expect(result.kind).toBe("problem");
    expect(existsSync(metricsFile)).toBe(false);
  });

  it("have the date of the window, else that of the autoscaler's start", () => {
    const dated = { ...scenario().metrics, startUnixSeconds: 5 };
    expect(startOf(scenario())).toBeUndefined();
    expect(startOf(scenario({ metrics: dated }))).toBe(5);
    expect(startOf(scenario({ metrics: dated, startUnixSeconds: 7 }))).toBe(7);
  });
});
