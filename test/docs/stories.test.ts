import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** What the stories claim, found in the outputs that they show; that the program prints those is held by outputs.long.test.ts. */
const folder = fileURLToPath(new URL("../../docs/stories/", import.meta.url));
const outputsOf = (story: string): readonly string[] =>
  [...readFileSync(`${folder}${story}.md`, "utf8").matchAll(/```text\n([\s\S]*?)```/g)].map(([, text = ""]) => text);

/** The two figures of a row: today's, and with the change. */
const rowOf = (text: string, title: string): readonly number[] => {
  const line = text.split("\n").find((one) => one.startsWith(`│ ${title} `)) ?? "";
  return line
    .split("│")
    .slice(2, 4)
    .map((cell) => Number.parseFloat(cell.replaceAll(",", "")));
};
const verdictOf = (text: string | undefined): string => /^verdict: (.*)$/m.exec(text ?? "")?.[1] ?? "";

describe("stories", () => {
  it("are told in an index", () => {
    const index = readFileSync(`${folder}README.md`, "utf8");
    const told = readdirSync(folder).filter((name) => name !== "README.md");
    expect(told).toHaveLength(6);
    for (const name of told) expect(index).toContain(`](${name})`);
  });

  it("a lower queue target flaps and costs more, a replica more doesn't", () => {
    const [lower = "", more] = outputsOf("lower-queue-target");
    const [before = 0, after = 0] = rowOf(lower, "flaps/h");
    expect(before).toBeLessThan(1);
    expect(after).toBeGreaterThan(5);
    expect(lower).toMatch(/new: warning: .* the replicas changed direction/);
    expect(verdictOf(lower)).toMatch(/GPU-hours worse.*objectives are not met/);
    expect(verdictOf(more)).toMatch(/every objective is met/);
  });

  it("a stabilization window hides a spike that is shorter, and not one that is longer", () => {
    const [hidden = "", short] = outputsOf("hidden-spike");
    expect(rowOf(hidden, "scale-ups")[1]).toBe(0);
    expect(rowOf(hidden, "scale-ups")[0]).toBeGreaterThan(1);
    expect(verdictOf(hidden)).toMatch(/time to first token mean worse.*objectives are not met/);
    expect(verdictOf(short)).toMatch(/every objective is met/);
  });

  it("a target of KV usage is never reached by prompts that wait, and the queue's sees them", () => {
    const [kv = "", both] = outputsOf("kv-target");
    const reached = Number(
      /kv_cache_usage_perc never asked for more replicas: it reached ([0-9.]+) of 0\.8/.exec(kv)?.[1],
    );
    expect(reached).toBeLessThan(0.3);
    expect(verdictOf(kv)).toMatch(/worse.*objectives are not met/);
    expect(verdictOf(both)).toMatch(/leaves time to first token p95 the same; with it every objective is met/);
  });

  it("scale-in cuts streams that outlast the grace period, and only those", () => {
    const [cut = "", longer] = outputsOf("cut-streams");
    const [before, after] = rowOf(cut, "streams aborted at scale-in");
    expect(before).toBe(0);
    expect(after).toBeGreaterThan(0);
    expect(rowOf(cut, "TTFT mean")[0]).toBe(rowOf(cut, "TTFT mean")[1]);
    expect(cut).toMatch(/new: error: .* scale-in cut \d+ streams/);
    expect(verdictOf(longer)).toMatch(/leaves failed requests the same/);
  });

  it("a lower target does nothing for a cold start; replicas in reserve do, and a shorter start", () => {
    const [sooner = "", reserve, shorter] = outputsOf("cold-start");
    expect(rowOf(sooner, "reaction, mean")[0]).toBeGreaterThan(230);
    expect(verdictOf(sooner)).toMatch(/objectives are not met/);
    expect(verdictOf(reserve)).toMatch(/better.*every objective is met/);
    expect(verdictOf(shorter)).toMatch(/better.*every objective is met/);
  });

  it("prefix-aware routing meets what two more GPUs don't", () => {
    const [more = "", routed = ""] = outputsOf("prefix-routing");
    const [before = 0, after = 0] = rowOf(more, "prefix cache hits");
    expect(Math.abs(after - before)).toBeLessThan(3);
    expect(rowOf(more, "GPU-hours")[1]).toBeCloseTo(2 * (rowOf(more, "GPU-hours")[0] ?? 0), 3);
    expect(verdictOf(more)).toMatch(/objectives are not met/);
    expect(routed).toMatch(/time to first token p95 .*│ better .*│ met /);
  });
});
