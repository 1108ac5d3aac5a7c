import type { Engine, EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import type { Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { StepEngine } from "../oracle/step-engine.ts";
import { config, timing } from "./engine-load.ts";

/** The engine alone under one load. */
export interface EngineCase {
  readonly name: string;
  readonly requests: number;
  readonly slots: number;
  readonly blocks: number;
  readonly prompt: number;
  readonly output: number;
  readonly perSecond: number;
  readonly shared?: number;
}

export const ENGINE_CASES: readonly EngineCase[] = [
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

const configOf = ({ slots, blocks }: EngineCase): EngineConfig => ({
  ...config,
  maxNumSeqs: slots,
  maxModelLen: Math.min(config.maxModelLen, (blocks - 1) * config.blockSize),
  numGpuBlocks: blocks,
});

const requestsOf = ({ requests, prompt, output, perSecond, shared }: EngineCase): readonly Request[] => {
  const rng = rngOf(1).stream("bench");
  let at = 0;
  return Array.from({ length: requests }, (_, id): Request => {
    at += Math.round((-Math.log(1 - rng.next()) / perSecond) * 1e6);
    const [promptTokens, outputTokens] = [1 + rng.below(2 * prompt), 1 + rng.below(2 * output)];
    const prefix = shared === undefined ? {} : { prefix: { kind: "group", key: "all", tokens: shared } as const };
    return { id, arrival: at as SimTime, promptTokens, outputTokens, ...prefix };
  });
};

export type Create = (...said: [EngineConfig, EngineTiming, EngineListener, SimTime]) => Engine;

export interface EngineMeasured {
  /** CPU time of the process, which neighbours on the machine disturb less than they do wall time. */
  readonly ms: number;
  /** Events that an engine asks its world for. */
  readonly wakes: number;
  readonly steps: number;
}

export const stepByStep: Create = (...said) => new StepEngine(...said);

export const measureEngine = (create: Create, one: EngineCase): EngineMeasured => {
  const requests = requestsOf(one);
  const began = process.cpuUsage();
  const engine = create(configOf(one), timing, { firstToken: () => {}, finished: () => {} }, START);
  let wakes = 0;
  let last = START;
  for (const request of [...requests, undefined]) {
    const until = request?.arrival ?? Number.MAX_VALUE;
    for (; engine.due < until && engine.due !== NEVER; wakes += 1) engine.advance((last = engine.due));
    if (request !== undefined) engine.submit(request, (last = request.arrival));
  }
  const { user, system } = process.cpuUsage(began);
  return { ms: (user + system) / 1e3, wakes, steps: engine.look(last).counters.steps };
};
