import { measuredOf } from "../../twin/sweep/score.ts";
import { runPreview } from "../preview.ts";
import { headLine, problemLine, rowLine, rowOf } from "./result-lines.ts";
import { runsOfShard, type SweepRound } from "./round.ts";

/**
 * Runs one shard of a round, one run after another; done again it writes the same.
 * @param known runs that somebody has done already
 * @param write takes each line when it is there
 * @returns runs that were done here
 */
export const runShard = async (
  { scenarios, objectives, maxTraceBytes, version, digest }: SweepRound & { readonly digest: string },
  { shard, shards }: { readonly shard: number; readonly shards: number },
  known: ReadonlySet<number>,
  write: (line: string) => void,
): Promise<number> => {
  write(headLine(version, digest));
  let done = 0;
  for (const run of runsOfShard(shard, shards, scenarios.length)) {
    const scenario = scenarios[run];
    if (known.has(run) || scenario === undefined) continue;
    const result = await runPreview({ scenario, maxTraceBytes });
    if (result.kind === "problem") {
      write(problemLine(result));
      return done;
    }
    write(rowLine(rowOf(run, measuredOf(objectives, result.report.kpis))));
    done += 1;
  }
  return done;
};
