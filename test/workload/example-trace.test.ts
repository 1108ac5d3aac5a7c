import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { agentTrace } from "../../deploy/examples/replay/generate.ts";
import { chatHour } from "../../deploy/examples/traces/generate.ts";
import { readYaml } from "../../src/store/yaml.ts";
import { traceHeader } from "../../src/workload/trace-header.ts";
import { readTrace } from "./drain.ts";

const file = (name: string): string =>
  readFileSync(new URL(`../../deploy/examples/traces/${name}`, import.meta.url), "utf8");

describe("chat-1h.csv", () => {
  it("is what generate.ts writes, byte for byte", () => {
    // Compared as a truth, so that a difference doesn't print the file.
    expect(chatHour() === file("chat-1h.csv")).toBe(true);
  });

  it("reads as azure-2023, and is what its README says", () => {
    const requests = readTrace("azure-2023", file("chat-1h.csv"));
    const meanOf = (key: "promptTokens" | "outputTokens"): number =>
      Math.round(requests.reduce((sum, request) => sum + request[key], 0) / requests.length);
    expect(requests.at(-1)?.arrival).toBeGreaterThan(3590e6);
    expect(requests.at(-1)?.arrival).toBeLessThan(3600e6);
    const figures = [requests.length, meanOf("promptTokens")].map((figure) =>
      figure.toLocaleString("en").replace(",", " "),
    );
    for (const figure of [...figures, String(meanOf("outputTokens"))]) expect(file("README.md")).toContain(figure);
  });
});

describe("the trace of deploy/examples/replay", () => {
  const beside = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
  const rows = beside("deploy/examples/replay/trace/agents.csv");
  const header = beside("deploy/examples/replay/trace/agents.yaml");

  it("is what deploy/examples/replay/generate.ts writes, byte for byte", () => {
    expect(agentTrace() === rows).toBe(true);
  });

  it("has sessions and single requests, and a header that can be read", () => {
    expect(traceHeader(readYaml(header).documents[0]?.value, "agents.yaml")).toMatchObject({
      ok: true,
      value: { clock: "zero", contextGrowth: "accumulate" },
    });
    const begun = readTrace("blis-v2", rows);
    expect(begun.filter(({ session }) => session !== undefined)).toHaveLength(60);
    expect(begun.filter(({ session, deadline }) => session === undefined && deadline !== undefined)).toHaveLength(90);
  });
});
