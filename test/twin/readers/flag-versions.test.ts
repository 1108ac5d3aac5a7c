import { describe, expect, it } from "vitest";
import { type Known, known } from "../../../src/model/known.ts";
import type { Value } from "../../../src/twin/readers/flags/flag.ts";
import { CAME, RELEASES, WENT } from "../../../src/twin/readers/vllm/flag-releases.ts";
import { flagsOfOtherVersions } from "../../../src/twin/readers/vllm/flag-versions.ts";
import { FLAGS } from "../../../src/twin/readers/vllm/vllm-flags.ts";

const image = (version: string): Known<string> => known(version, { kind: "field", object: "D", field: "image" });
const said = (flag: string, value: Value = "x") =>
  new Map([[flag, known(value, { kind: "field", object: "Deployment/ns/d", field: "args[1]" })]]);
const saysOf = (flag: string, version: string, value?: Value): string =>
  flagsOfOtherVersions(said(flag, value), image(version), "Deployment/ns/d")
    .map(({ message, fix }) => `${message}; ${fix}`)
    .join();

describe("a flag that the image's version doesn't know", () => {
  it.each([
    [
      "async-scheduling",
      "v0.9.2",
      "--async-scheduling is no flag of vLLM 0.9.2, the image's version: it came with 0.10.0; the real server would not start, and is simulated as if it took it; use an image of 0.10.0 or later, or drop it",
    ],
    ["max-num-queued-reqs", "v0.22.0", "it came with 0.29.0"],
    [
      "num-scheduler-steps",
      "v0.22.0",
      "it went with 0.10.1; the real server would not start, and is simulated as if it took it; drop it",
    ],
    ["speculative-model", "v0.22.0", "use --speculative-config, or drop it"],
    ["rope-scaling", "v0.99.0", "it went with 0.11.1"],
    ["disable-log-requests", "v0.22.0", "it went with 0.17.0"],
    ["enable-reasoning", "v0.10.0", "it went with 0.10.0; the real server would not start"],
    ["enable-log-requests", "v0.10.0", "it came with 0.10.1"],
    ["uds", "v0.10.0", "it came with 0.10.1"],
    ["prompt-adapters", "v0.10.0", "it went with 0.10.0"],
  ])("--%s in %s", (flag, version, says) => expect(saysOf(flag, version)).toContain(says));

  it.each([
    ["it has it", "async-scheduling", "v0.10.0"],
    ["it has it still", "num-scheduler-steps", "v0.10.0"],
    ["every version has it", "max-num-seqs", "v0.6.0"],
    ["every version has it", "api-key", "v0.6.0"],
    ["it stands in another place of vLLM's source since", "reasoning-parser", "v0.22.0"],
    ["nothing says when it came", "config", "v0.6.0"],
    ["a release between two that were looked at may have it", "performance-mode", "v0.16.1"],
    ["or may have it still", "swap-space", "v0.17.1"],
    ["it is older than what was looked at", "async-scheduling", "v0.5.4"],
    ["it is newer, and nothing is known of it", "max-num-seqs", "v0.99.0"],
  ])("is none where %s", (_why, flag, version) => expect(saysOf(flag, version)).toBe(""));

  it("is none where it is said to be off", () => expect(saysOf("async-scheduling", "v0.9.2", false)).toBe(""));
});

describe("the table of releases", () => {
  const flags = (table: Readonly<Record<string, string>>, release: string): readonly string[] =>
    table[release]?.split(/\s+/) ?? [];

  it("names flags that are known, and releases that were looked at", () => {
    const known = new Set(FLAGS.map(({ name }) => name));
    for (const table of [CAME, WENT]) {
      expect(Object.keys(table).filter((release) => !RELEASES.some((one) => one === release))).toEqual([]);
      expect(Object.keys(table).flatMap((release) => flags(table, release).filter((flag) => !known.has(flag)))).toEqual(
        [],
      );
    }
  });

  it("has each flag come and go in turn", () => {
    const there = new Map<string, boolean>();
    const wrong: string[] = [];
    for (const release of RELEASES) {
      for (const flag of flags(CAME, release)) {
        if (there.get(flag) === true) wrong.push(`${flag} came twice`);
        there.set(flag, true);
      }
      for (const flag of flags(WENT, release)) {
        if (there.get(flag) === false) wrong.push(`${flag} went twice`);
        there.set(flag, false);
      }
    }
    expect(wrong).toEqual([]);
    expect(there.size).toBeGreaterThan(50);
  });
});
