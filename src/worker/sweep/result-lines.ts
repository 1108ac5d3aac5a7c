import * as z from "zod";
import type { Measured } from "../../twin/sweep/score.ts";
import type { PreviewResult } from "../protocol.ts";

/**
 * What a pod of a sweep's Job leaves in its termination message: who it is, then a line per run, each written when the run is
 * done, so that of a pod that dies all is known but the run that it was at.
 * The kubelet keeps the last 4096 bytes of a container's message
 * (kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure), and reads it however the container ended.
 */
export interface ShardResult {
  readonly version: string;
  /** Of the round that it ran. */
  readonly digest: string;
  readonly rows: readonly Row[];
  /** Why a run can't be done, whoever tries. */
  readonly problem?: RunProblem;
}

export type RunProblem = Pick<Extract<PreviewResult, { kind: "problem" }>, "reason" | "message" | "fix">;

/** Run, violation, met, attained, cost, GPU-hours; doubles that JSON gives back to the bit. A row has at most 140 characters. */
const row = z.tuple([
  z.int().min(0),
  z.number().min(0),
  z.number().min(0).max(1),
  z.number().min(0).max(1).nullable(),
  z.number().min(0).nullable(),
  z.number().min(0),
]);
export type Row = z.output<typeof row>;

/** What is known of a round, as it stands in the ledger and is given to pods that come later. */
export const ledgerEntry = z.object({
  /** Of the round. */
  digest: z.string(),
  /** ConfigMaps that its input takes. */
  inputs: z.int().min(0),
  /** Jobs that were made for it. */
  jobs: z.int().min(0),
  rows: z.array(row),
});
export type LedgerEntry = z.output<typeof ledgerEntry>;

/** So many rows, the head and a problem fit. */
export const MOST_RUNS = 16;

const head = z.strictObject({ servetwin: z.string(), round: z.string() });
const trouble = z.strictObject({
  problem: z.strictObject({ reason: z.string(), message: z.string(), fix: z.string().optional() }),
});

export const headLine = (version: string, digest: string): string =>
  `${JSON.stringify({ servetwin: version, round: digest })}\n`;
export const rowLine = (line: Row): string => `${JSON.stringify(line)}\n`;
export const problemLine = ({ reason, message, fix }: RunProblem): string =>
  `${JSON.stringify({ problem: { reason, message: message.slice(0, 250), ...(fix === undefined ? {} : { fix: fix.slice(0, 150) }) } })}\n`;

export const rowOf = (run: number, { violation, met, attained, cost, gpuHours }: Measured): Row => [
  run,
  violation,
  met,
  attained ?? null,
  cost ?? null,
  gpuHours,
];

export const measuredIn = ([, violation, met, attained, cost, gpuHours]: Row): Measured => ({
  violation,
  met,
  ...(attained === null ? {} : { attained }),
  ...(cost === null ? {} : { cost }),
  gpuHours,
});

/** Reads what is whole: a pod may have been killed in the middle of a line. @returns undefined: no message of ours */
export const readResult = (text: string): ShardResult | undefined => {
  const [first, ...rest] = text.split("\n").map(parsed);
  const known = head.safeParse(first);
  if (!known.success) return undefined;
  const problem = rest.map((line) => trouble.safeParse(line)).find(({ success }) => success)?.data?.problem;
  return {
    version: known.data.servetwin,
    digest: known.data.round,
    rows: rest.map((line) => row.safeParse(line)).flatMap(({ data }) => (data === undefined ? [] : [data])),
    ...(problem === undefined
      ? {}
      : {
          problem: {
            reason: problem.reason,
            message: problem.message,
            ...(problem.fix === undefined ? {} : { fix: problem.fix }),
          },
        }),
  };
};

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
