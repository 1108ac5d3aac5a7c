import { createEngine } from "../../src/engine/create-engine.ts";
import type { Engine, EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import { findGpu, findModel } from "../../src/model/catalogue/index.ts";
import type { Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { StepEngine } from "../oracle/step-engine.ts";

/**
 * The engine alone, over batch size, output length and load, against the one that takes every step:
 * `npx tsx test/bench/engine.ts`. Wakes are the events that an engine asks its world for.
 */
interface Case {
  readonly name: string;
  readonly requests: number;
  readonly slots: number;
  readonly blocks: number;
  readonly prompt: number;
  readonly output: number;
  readonly perSecond: number;
  readonly shared?: number;
}

const CASES: readonly Case[] = [
  {
    name: "1 at a time, long outputs",
    requests: 300,
    slots: 1,
    blocks: 16_000,
    prompt: 200,
    output: 4000,
    perSecond: 1,
  },
  { name: "chat at 5/s", requests: 20_000, slots: 256, blocks: 16_000, prompt: 256, output: 256, perSecond: 5 },
  { name: "chat at 20/s", requests: 20_000, slots: 256, blocks: 16_000, prompt: 256, output: 256, perSecond: 20 },
  {
    name: "slots full, queue long",
    requests: 10_000,
    slots: 256,
    blocks: 16_000,
    prompt: 256,
    output: 512,
    perSecond: 200,
  },
  {
    name: "blocks full, queue long",
    requests: 5000,
    slots: 256,
    blocks: 2000,
    prompt: 512,
    output: 256,
    perSecond: 50,
  },
  {
    name: "the same, shared prefix",
    requests: 5000,
    slots: 256,
    blocks: 2000,
    prompt: 512,
    output: 256,
    perSecond: 50,
    shared: 256,
  },
  { name: "preemption storm", requests: 3000, slots: 64, blocks: 300, prompt: 100, output: 900, perSecond: 10 },
];

const timing: EngineTiming = latencyModels.create(latencyModels.schema.parse({ name: "trained-physics" }), {
  shape: (findModel("Qwen/Qwen3-14B") as NonNullable<ReturnType<typeof findModel>>).shape,
  hardware: (findGpu("H100") as Extract<ReturnType<typeof findGpu>, { hardware: unknown }>).hardware,
  parallelism: { tp: 1, pp: 1, dp: 1, expertParallel: false },
  mode: "vllm",
});

const configOf = ({ slots, blocks }: Case): EngineConfig => ({
  mode: "vllm",
  maxNumSeqs: slots,
  maxNumBatchedTokens: 8192,
  maxModelLen: Math.min(8192, (blocks - 1) * 16),
  blockSize: 16,
  numGpuBlocks: blocks,
  prefixCaching: true,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  asyncScheduling: true,
});

const requestsOf = ({ requests, prompt, output, perSecond, shared }: Case): readonly Request[] => {
  const rng = rngOf(1).stream("bench");
  let at = 0;
  return Array.from({ length: requests }, (_, id): Request => {
    at += Math.round((-Math.log(1 - rng.next()) / perSecond) * 1e6);
    const [promptTokens, outputTokens] = [1 + rng.below(2 * prompt), 1 + rng.below(2 * output)];
    const prefix = shared === undefined ? {} : { prefix: { kind: "group", key: "all", tokens: shared } as const };
    return { id, arrival: at as SimTime, promptTokens, outputTokens, ...prefix };
  });
};

type Create = (...said: [EngineConfig, EngineTiming, EngineListener, SimTime]) => Engine;

interface Measured {
  readonly ms: number;
  readonly wakes: number;
  readonly steps: number;
}

const stepByStep: Create = (...said) => new StepEngine(...said);

const measure = (create: Create, one: Case): Measured => {
  const requests = requestsOf(one);
  const began = performance.now();
  const engine = create(configOf(one), timing, { firstToken: () => {}, finished: () => {} }, START);
  let wakes = 0;
  let last = START;
  for (const request of [...requests, undefined]) {
    const until = request?.arrival ?? Number.MAX_VALUE;
    for (; engine.due < until && engine.due !== NEVER; wakes += 1) engine.advance((last = engine.due));
    if (request !== undefined) engine.submit(request, (last = request.arrival));
  }
  return { ms: performance.now() - began, wakes, steps: engine.look(last).counters.steps };
};

console.log("case                            steps     wakes   us/wake        ms   step by step ms   ratio");
for (const one of CASES) {
  // Twice, so that neither pays for the other's warming up.
  const [fast] = [measure(createEngine, one), measure(createEngine, one)].slice(1) as [Measured];
  const [naive] = [measure(stepByStep, one), measure(stepByStep, one)].slice(1) as [Measured];
  const columns = [
    fast.steps,
    fast.wakes,
    ((fast.ms * 1e3) / fast.wakes).toFixed(2),
    fast.ms.toFixed(0),
    naive.ms.toFixed(0),
    (naive.ms / fast.ms).toFixed(1),
  ];
  console.log(
    one.name.padEnd(26) + columns.map((column, i) => String(column).padStart([11, 10, 10, 10, 18, 8][i] ?? 0)).join(""),
  );
}
