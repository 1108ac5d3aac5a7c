import type { Comparison } from "../../report/comparison.ts";
import { goalTable } from "../formats/comparison-table.ts";
import { duration } from "../formats/figure.ts";
import { type LiveArea, liveArea } from "../live-area.ts";
import type { PreviewWatch } from "./previewed.ts";
import { differenceText, goalName } from "./verdict.ts";

/**
 * Tells whoever waits what a preview has found so far, on standard error and labelled as provisional. A terminal shows how far
 * it is, and the goals as they stand: of the part of the first replication that is done on both sides, then of all that are. A
 * pipe gets one line after the first replication if more follow, which is the same each time.
 */
export interface Refining {
  /** Of one simulation, each side `budget` times at most. */
  begin(name: string, budget: number, horizonMicros: number | undefined): PreviewWatch;
  stop(): void;
}

export const refining = (stream: NodeJS.WriteStream = process.stderr): Refining =>
  stream.isTTY === true ? shown(stream) : written(stream);

const written = (stream: NodeJS.WriteStream): Refining => ({
  begin: (name, budget) => ({
    run: () => {},
    refined: ({ replications, settled, goals }) => {
      if (replications > 1 || settled || budget === 1) return;
      const told = goals.flatMap((goal) =>
        goal.figures === undefined
          ? []
          : `${goalName(goal)} ${differenceText(goal, goal.figures.difference, goal.figures.difference.mean)}`,
      );
      stream.write(`${name}: provisional, 1 of at most ${budget} replications each: ${told.join(", ")}\n`);
    },
  }),
  stop: () => {},
});

const shown = (stream: NodeJS.WriteStream): Refining => {
  let area: LiveArea | undefined;
  const begin: Refining["begin"] = (name, budget, horizonMicros = 0) => {
    area?.stop();
    const format = `${name} {bar} {value} of at most {total} runs`;
    const here = liveArea(stream, { total: 2 * budget, format, valueText: (value) => value.toFixed(1) });
    area = here;
    const show = (rests: string, comparison: Comparison): void =>
      here.show(() => [`provisional: ${rests}`, ...goalTable(comparison).trimEnd().split("\n")]);
    const done = new Map<number, number>();
    let whole = false;
    return {
      run: (run, progress) => {
        done.set(run, Math.max(progress.done, done.get(run) ?? 0));
        here.bar.update([...done.values()].reduce((sum, share) => sum + share, 0));
      },
      looked: (comparison, simulatedSeconds) => {
        if (whole) return;
        show(
          `the first ${duration(simulatedSeconds)} of ${duration(horizonMicros / 1e6)}, 1 replication each`,
          comparison,
        );
      },
      refined: (comparison) => {
        whole = true;
        show(`${comparison.replications} of at most ${budget} replications each`, comparison);
      },
    };
  };
  return { begin, stop: () => area?.stop() };
};
