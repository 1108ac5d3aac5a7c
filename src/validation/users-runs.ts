import type { Problem } from "../model/problem.ts";
import type { Figures, MeasuredRun, Metric } from "./measured-run.ts";
import { leftOut, type ResultRun } from "./result-format.ts";
import type { Server } from "./server.ts";

/** One run of a user's own against the deployment. */
export interface UsersRun {
  readonly run: MeasuredRun;
  readonly completed: number;
}

/** Above this share of failures a run measured something else. */
const FAILED = 0.05;
/** By more than this share the parts of a request may not differ from the whole. */
const APART = 0.2;
/** What a run should have; the rest is welcome. */
const WANTED: readonly Metric[] = ["ttft_mean", "tpot_mean", "ttft_p99"];

/** The runs that can be replayed against the server; the others, and what is wrong or missing, are told. */
export const usersRuns = (
  results: readonly ResultRun[],
  server: Server,
): { readonly runs: readonly UsersRun[]; readonly problems: readonly Problem[] } => {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const runs = results.flatMap((result): UsersRun[] => {
    const why = seen.has(result.id) ? "another run is called so" : unfit(result, server);
    seen.add(result.id);
    if (why !== undefined) {
      problems.push(leftOut(result.id, result.id, why));
      return [];
    }
    const measured = consistent(result, problems);
    const missing = WANTED.filter((metric) => measured[metric] === undefined);
    if (missing.length > 0) {
      const message = `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not measured: fitted to what there is`;
      problems.push({ severity: "warning", reason: "MissingMetric", object: result.id, message });
    }
    return [{ run: { ...asMeasured(result, server), measured }, completed: result.completed }];
  });
  return { runs, problems: [...problems, ...otherModels(results, server)] };
};

const unfit = ({ completed, failed, load }: ResultRun, { config }: Server): string | undefined => {
  if (failed > FAILED * (completed + failed)) return `${failed} of ${completed + failed} requests failed`;
  const longest = load.kind === "trace" ? 0 : load.promptTokens + load.outputTokens;
  if (longest <= config.maxModelLen) return undefined;
  return `requests of ${Math.round(longest)} tokens don't fit the deployment's --max-model-len of ${config.maxModelLen}`;
};

/**
 * Clients that count a chunk's tokens wrongly report a time per token that doesn't add up to the whole (inference-perf before
 * its issue 564: half of it). The whole is right: it needs no count.
 */
const consistent = ({ id, measured, load }: ResultRun, problems: Problem[]): Figures => {
  const { e2e_mean: whole, ttft_mean: first, tpot_mean: each } = measured;
  if (whole === undefined || first === undefined || each === undefined) return measured;
  const outputs =
    load.kind === "trace" ? load.rows.reduce((sum, row) => sum + row[2], 0) / load.rows.length : load.outputTokens;
  if (outputs <= 1 || whole <= first || Math.abs((first + each * (outputs - 1)) / whole - 1) < APART) return measured;
  const implied = (whole - first) / (outputs - 1);
  const message = `time per output token of ${each.toPrecision(3)} ms doesn't add up to the end-to-end time of ${whole.toPrecision(4)} ms: ${implied.toPrecision(3)} ms is taken`;
  problems.push({ severity: "warning", reason: "InconsistentFigures", object: id, field: "tpot_mean", message });
  return { ...measured, tpot_mean: implied };
};

const asMeasured = ({ id, load, measured }: ResultRun, { context }: Server): MeasuredRun => ({
  id,
  deployment: context.shape.id,
  server: {
    model: context.shape.id,
    architecture: undefined,
    gpu: context.hardware.id,
    tp: context.parallelism.tp,
    dp: context.parallelism.dp,
    expertParallel: context.parallelism.expertParallel ?? false,
    precision: undefined,
    version: undefined,
    maxNumSeqs: undefined,
    maxNumBatchedTokens: undefined,
    maxModelLen: undefined,
    gpuMemoryUtilization: undefined,
    blockSize: undefined,
    numGpuBlocks: undefined,
    prefixCaching: true,
  },
  load,
  measured,
  stages: [],
  peers: {},
  suspect: false,
});

/** A run may name the model as it is served, so another name is a doubt and no error. */
const otherModels = (results: readonly ResultRun[], { context }: Server): readonly Problem[] => {
  const tail = (name: string): string => name.slice(name.lastIndexOf("/") + 1).toLowerCase();
  const others = [...new Set(results.flatMap(({ model }) => model ?? []))].filter(
    (model) => tail(model) !== tail(context.shape.id),
  );
  if (others.length === 0) return [];
  const message = `the runs name ${others.join(", ")}, the deployment serves ${context.shape.id}: taken for the same`;
  return [{ severity: "warning", reason: "OtherModel", message }];
};
