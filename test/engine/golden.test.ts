import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import { trainedPhysics } from "../../src/latency/models/trained-physics.ts";
import type { Finished } from "../../src/model/fact.ts";
import { Agenda } from "../../src/sim/agenda.ts";
import { after, micros, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { blisGpus, shapeOf } from "../latency/fixtures.ts";
import { StepEngine } from "../oracle/step-engine.ts";
import type { CreateEngine } from "./drive.ts";

/** One closed-loop run of the reference simulator with its results. A session is [first arrival, group, rounds, think]. */
interface Run {
  readonly id: string;
  readonly model: string;
  readonly gpu: string;
  readonly tp: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly gpuKvBlocks: number;
  readonly sharedPrefixTokens: number;
  readonly questionTokens: number;
  readonly outputTokens: number;
  readonly sessions: readonly (readonly [number, number, number, number])[];
  readonly expected: Readonly<Record<string, number>>;
}

interface Round {
  readonly session: number;
  readonly round: number;
}

const engines: Readonly<Record<"engine" | "oracle", CreateEngine>> = {
  engine: createEngine,
  oracle: (...args) => new StepEngine(...args),
};

const simulate = (run: Run, create: CreateEngine) => {
  const timing = trainedPhysics.create(trainedPhysics.params.parse({}), {
    shape: shapeOf(run.model),
    hardware: blisGpus[run.gpu] as NonNullable<(typeof blisGpus)[string]>,
    parallelism: { tp: run.tp, pp: 1, dp: 1, expertParallel: false },
    mode: "blis",
  });
  const sums = { completed: 0, input: 0, output: 0, ttft: 0, e2e: 0, itl: 0 };
  const agenda = new Agenda<Round>(START);
  const rounds = new Map<number, Round>();
  let now = START;
  const finished = (facts: Finished): void => {
    const { session, round } = rounds.get(facts.request.id) as Round;
    rounds.delete(facts.request.id);
    const [, , total, think] = run.sessions[session] as Run["sessions"][number];
    if (round + 1 < total) agenda.at(after(now, micros(think)), 0, { session, round: round + 1 });
    sums.completed += 1;
    sums.input += facts.request.promptTokens;
    sums.output += facts.outputTokens;
    const first = facts.firstToken as SimTime;
    sums.ttft += first - facts.request.arrival;
    sums.e2e += facts.end - facts.request.arrival;
    sums.itl += (facts.end - timing.atFinish - first) / Math.max(run.outputTokens - 1, 1);
  };
  const engine = create(
    {
      mode: "blis",
      maxNumSeqs: run.maxNumSeqs,
      maxNumBatchedTokens: run.maxNumBatchedTokens,
      maxModelLen: 1_000_000,
      blockSize: 16,
      numGpuBlocks: run.gpuKvBlocks,
      prefixCaching: true,
      chunkedPrefill: true,
      longPrefillTokenThreshold: 0,
      asyncScheduling: false,
    },
    timing,
    { firstToken: () => {}, finished },
    START,
  );
  run.sessions.forEach(([arrival], session) => agenda.at(arrival as SimTime, 0, { session, round: 0 }));
  let id = 0;
  for (;;) {
    const arrival = agenda.next;
    now = Math.min(arrival, engine.due) as SimTime;
    if (now === NEVER) break;
    if (arrival > now) {
      engine.advance(now);
      continue;
    }
    const next = agenda.pop() as Round;
    const group = (run.sessions[next.session] as Run["sessions"][number])[1];
    rounds.set(id, next);
    const prefix = { kind: "group", key: String(group), tokens: run.sharedPrefixTokens } as const;
    const promptTokens = run.sharedPrefixTokens + run.questionTokens;
    engine.submit({ id, arrival: now, promptTokens, outputTokens: run.outputTokens, prefix }, now);
    id += 1;
  }
  expect(engine.held).toBe(0);
  return sums;
};

const file = new URL("../../../shared/design/engine-golden.json", import.meta.url);
describe.skipIf(!existsSync(file))("blis mode against the recorded runs of ../shared/design/engine-golden.json", () => {
  const runs: Run[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).runs : [];

  it("has all runs", () => expect(runs).toHaveLength(15));

  // The oracle takes its time: it does a few every day, and all with GOLDEN=all, as CI does.
  const some = process.env.GOLDEN === "all" ? runs : runs.slice(0, 3);
  const cases = [
    ...runs.map((run) => ({ ...run, by: "engine" as const })),
    ...some.map((run) => ({ ...run, by: "oracle" as const })),
  ];
  it.each(cases)("$id $model: every figure of the $by is equal", { timeout: 60_000 }, (run) => {
    const sums = simulate(run, engines[run.by]);
    const { expected } = run;
    expect(sums.completed).toBe(expected.completed_requests);
    expect(sums.input).toBe(expected.total_input_tokens);
    expect(sums.output).toBe(expected.total_output_tokens);
    expect(sums.ttft).toBe(expected.ttft_sum_us);
    const near = (value: number, wanted = 0): void => expect(Math.abs(value / wanted - 1)).toBeLessThan(1e-9);
    near(sums.e2e / sums.completed / 1000, expected.e2e_mean_ms);
    near(sums.itl / sums.completed / 1000, expected.itl_mean_ms);
  });
});
