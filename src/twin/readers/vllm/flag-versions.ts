import type { Known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import { placeOf } from "../../ledger.ts";
import type { Value } from "../flags/flag.ts";
import { CAME, RELEASES, WENT } from "./flag-releases.ts";

/** What stands in a flag's place where it went, as its last releases took it or said so. */
const INSTEAD: Readonly<Record<string, string>> = {
  "chat-template-text-format": "--chat-template-content-format",
  "cuda-graph-sizes": "--cudagraph-capture-sizes",
  "disable-mm-preprocessor-cache": "--mm-processor-cache-gb=0",
  "enable-multimodal-encoder-data-parallel": "--mm-encoder-tp-mode=data",
  "enable-reasoning": "--reasoning-parser alone",
  "engine-use-ray": "--distributed-executor-backend=ray",
  "eplb-log-balancedness": "--eplb-config.log_balancedness",
  "eplb-step-interval": "--eplb-config.step_interval",
  "eplb-window-size": "--eplb-config.window_size",
  "guided-decoding-backend": "--structured-outputs-config.backend",
  "guided-decoding-disable-additional-properties": "--structured-outputs-config.disable_additional_properties",
  "guided-decoding-disable-any-whitespace": "--structured-outputs-config.disable_any_whitespace",
  "guided-decoding-disable-fallback": "--structured-outputs-config.disable_fallback",
  "num-redundant-experts": "--eplb-config.num_redundant_experts",
  "num-speculative-tokens": "--speculative-config",
  "override-pooler-config": "--pooler-config",
  "rope-scaling": "--hf-overrides",
  "rope-theta": "--hf-overrides",
  "speculative-model": "--speculative-config",
  task: "--runner and --convert",
  "worker-use-ray": "--distributed-executor-backend=ray",
};

/**
 * Warnings about flags that the version of the image's tag doesn't have yet, or has no longer: its server would refuse to start with them.
 * Nothing is said of versions between two that were looked at, where the one has the flag and the other hasn't.
 * @param object `Kind/namespace/name`, that the flags are of
 */
export const flagsOfOtherVersions = (
  said: ReadonlyMap<string, Known<Value>>,
  version: Known<string>,
  object: string,
): Problem[] =>
  [...said].flatMap(([flag, { value, from }]) => {
    const other = value === false ? undefined : otherVersion(flag, version.value);
    if (other === undefined) return [];
    const message = `--${flag} is no flag of vLLM ${plain(version.value)}, the image's version: ${other.why}; the real server would not start, and is simulated as if it took it`;
    return [
      { severity: "warning", reason: "FlagOfOtherVersion", ...placeOf(from, object), message, fix: other.fix },
    ] satisfies Problem[];
  });

const otherVersion = (flag: string, version: string): { readonly why: string; readonly fix: string } | undefined => {
  const changes = CHANGES.get(flag);
  const at = parts(version);
  const before = RELEASES.findLastIndex((release) => compare(parts(release), at) <= 0);
  if (changes === undefined || before < 0) return undefined;
  const isExact = compare(parts(RELEASES[before] as string), at) === 0;
  const after = Math.min(before + 1, RELEASES.length - 1);
  if (isThere(changes, before) || (!isExact && isThere(changes, after))) return undefined;
  const came = changes.find(({ release, there }) => there && release > before);
  const went = changes.findLast(({ release, there }) => !there && release <= before);
  const name = (release: number): string => RELEASES[release] as string;
  if (went === undefined && came !== undefined)
    return {
      why: `it came with ${name(came.release)}`,
      fix: `use an image of ${name(came.release)} or later, or drop it`,
    };
  if (went === undefined) return undefined;
  const instead = INSTEAD[flag];
  return {
    why: `it went with ${name(went.release)}`,
    fix: instead === undefined ? "drop it" : `use ${instead}, or drop it`,
  };
};

interface Change {
  /** Index among RELEASES. */
  readonly release: number;
  readonly there: boolean;
}

const changesOf = (): ReadonlyMap<string, readonly Change[]> => {
  const changes = new Map<string, Change[]>();
  for (const [release, name] of RELEASES.entries())
    for (const [there, flags] of [
      [true, CAME[name]],
      [false, WENT[name]],
    ] as const)
      for (const flag of flags?.trim().split(/\s+/) ?? [])
        changes.set(flag, [...(changes.get(flag) ?? []), { release, there }]);
  return changes;
};
const CHANGES = changesOf();

/** A flag whose first change is to come was not there before, one whose first is to go was. */
const isThere = (changes: readonly Change[], release: number): boolean =>
  changes.findLast((change) => change.release <= release)?.there ?? changes[0]?.there === false;

const plain = (version: string): string => version.replace(/^v/, "");

const parts = (version: string): readonly number[] => {
  const [, major = "0", minor = "0", patch = "0"] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return [Number(major), Number(minor), Number(patch)];
};

const compare = (one: readonly number[], other: readonly number[]): number =>
  one.map((part, i) => part - (other[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
