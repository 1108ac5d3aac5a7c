import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { VERSION } from "../../model/version.ts";
import { ledgerEntry } from "../../worker/sweep/result-lines.ts";
import { decodeRound } from "../../worker/sweep/round.ts";
import { runShard } from "../../worker/sweep/run-shard.ts";
import { usageError } from "../exit.ts";
import { positiveWhole } from "../limit-options.ts";

interface Options {
  readonly shards: number;
  readonly shard?: number;
  readonly result: string;
}

/** What the pods of a sweep's Job run. People have no use for it, so the help doesn't show it. */
export const sweepWorker = (program: Command): void => {
  program
    .command("sweep-worker", { hidden: true })
    .argument("<folder>", "parts 0, 1, … of the round's input, and known: what others have found")
    .description("run one shard of a round of a sweep; the operator makes Jobs of it")
    .requiredOption("--shards <count>", "into which the round is cut", positiveWhole)
    .option("--shard <number>", "from 0 on; left out: JOB_COMPLETION_INDEX, as the Job controller sets it", index)
    .requiredOption("--result <file>", "takes a line per run")
    .action(
      async (folder: string, { shards, shard = index(process.env.JOB_COMPLETION_INDEX ?? ""), result }: Options) => {
        if (shard >= shards)
          throw usageError(`there is no shard ${shard} of ${shards}`, `name one from 0 to ${shards - 1}`);
        const round = roundIn(folder);
        if (round.version !== VERSION)
          throw usageError(`the round was made by servetwin ${round.version}, and this is ${VERSION}`, "use its image");
        await runShard(round, { shard, shards }, knownIn(folder, round.digest), (line) => appendFileSync(result, line));
      },
    );
};

const index = (text: string): number => {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("write a whole number from 0 on");
};

const roundIn = (folder: string): ReturnType<typeof decodeRound> => {
  try {
    const parts = readdirSync(folder).filter((name) => /^\d+$/.test(name));
    parts.sort((a, b) => Number(a) - Number(b));
    return decodeRound(Buffer.concat(parts.map((name) => readFileSync(join(folder, name)))));
  } catch (error) {
    throw usageError(`${folder} holds no round of a sweep: ${(error as Error).message}`);
  }
};

/** Runs that need not be done again. What can't be read is not known. */
const knownIn = (folder: string, digest: string): ReadonlySet<number> => {
  try {
    const entry = ledgerEntry.parse(JSON.parse(readFileSync(join(folder, "known"), "utf8")));
    return new Set(entry.digest === digest ? entry.rows.map(([run]) => run) : []);
  } catch {
    return new Set();
  }
};
