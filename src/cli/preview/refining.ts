import { Presets, SingleBar } from "cli-progress";
import type { Comparison } from "../../report/comparison.ts";
import type { Progress } from "../../worker/protocol.ts";
import { differenceText, goalName } from "./verdict.ts";

/** Tells a terminal how far a preview is, and its first answer as soon as there is one; silent in a pipe. */
export interface Refining {
  /** Of one simulation, each side `budget` times at most. */
  begin(name: string, budget: number): void;
  run(run: number, progress: Progress): void;
  refined(comparison: Comparison): void;
  stop(): void;
}

export const refining = (): Refining => {
  if (process.stderr.isTTY !== true) return { begin: () => {}, run: () => {}, refined: () => {}, stop: () => {} };
  const began = performance.now();
  let bar: SingleBar | undefined;
  const done = new Map<number, number>();
  const total = (): number => [...done.values()].reduce((sum, share) => sum + share, 0);
  return {
    begin: (name, budget) => {
      bar?.stop();
      done.clear();
      bar = new SingleBar(
        {
          format: `${name} {bar} {value} of at most {total} runs | {open}`,
          stream: process.stderr,
          clearOnComplete: true,
          hideCursor: true,
          formatValue: (value, _options, type) => (type === "value" ? value.toFixed(1) : String(value)),
        },
        Presets.shades_classic,
      );
      bar.start(2 * budget, 0, { open: "first answer" });
    },
    run: (run, progress) => {
      done.set(run, Math.max(progress.done, done.get(run) ?? 0));
      bar?.update(total());
    },
    refined: (comparison) => {
      if (comparison.replications === 1) {
        bar?.stop();
        process.stderr.write(`${firstAnswer(comparison, performance.now() - began)}\n`);
        bar?.start(2 * ((bar.getTotal() as number) / 2), total(), { open: "" });
      }
      const open = comparison.goals.filter(({ verdict, met }) => [verdict, met?.change].includes("inconclusive"));
      bar?.update(total(), { open: open.length === 0 ? "" : `open: ${open.map(goalName).join(", ")}` });
    },
    stop: () => bar?.stop(),
  };
};

const firstAnswer = ({ goals }: Comparison, milliseconds: number): string => {
  const told = goals.flatMap((goal) =>
    goal.figures === undefined
      ? []
      : `${goalName(goal)} ${differenceText(goal, goal.figures.difference, goal.figures.difference.mean)}`,
  );
  return `first answer after ${(milliseconds / 1000).toFixed(1)} s, of one replication: ${told.join(", ")}`;
};
