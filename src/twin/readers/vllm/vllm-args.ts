import type { Known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { FlagTable } from "../flags/flag.ts";
import { FlagParser } from "../flags/flag-parser.ts";
import { ServerArguments } from "../flags/server-arguments.ts";
import type { Launch } from "../servers/server-program.ts";
import { flagsOfOtherVersions } from "./flag-versions.ts";
import { VLLM } from "./vllm-flags.ts";

/** Flags by which each pod of an engine is told its part. */
const SPANS_PODS = ["nnodes", "data-parallel-size-local"];

export interface VllmOptions {
  /** Whether the engine is known to span pods, as a group's does. */
  readonly spansPods?: boolean;
  /** Of vLLM, where the image tells it. */
  readonly version?: Known<string> | undefined;
  /** Of a server around vLLM that has flags of its own. */
  readonly table?: FlagTable;
}

/**
 * What the flags of one vLLM server say.
 * @param object `Kind/namespace/name`, that the fields are of
 * @param problems of where the flags came from, told before their own
 */
export const vllmArguments = (
  launch: Launch,
  object: string,
  { spansPods = false, version, table = VLLM }: VllmOptions = {},
  problems: readonly Problem[] = [],
): ServerArguments => {
  const parser = new FlagParser(table, launch, object);
  parser.tellUnmodelled(spansPods ? SPANS_PODS : []);
  const others = version === undefined ? [] : flagsOfOtherVersions(parser.values, version, object);
  return new ServerArguments("vllm", parser.values, [...problems, ...parser.problems, ...others]);
};
