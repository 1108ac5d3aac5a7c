import * as z from "zod";
import { type SimTime, toSeconds } from "../../../sim/time.ts";
import { type FairnessPolicy, type FlowPicker, type FlowView, fairness } from "../fairness.ts";
import type { Waiting } from "../ordering.ts";

/** Weight of a token that was read and of one that was made. */
const PROMPT_TOKEN = 1;
const OUTPUT_TOKEN = 2;

/**
 * Least attained service: the flow with the highest lasWeightService · (1 − service) + lasWeightHeadWait · wait of its head,
 * both scaled to [0, 1] over the flows that wait. Service is the tokens of ended requests, an output token counting twice, and
 * halves every `lasHalfLifeSeconds`. A program without requests for `evictionTtlSeconds` is forgotten.
 *
 * A pick looks at every flow that waits, as there. Where two score alike the one that has waited longer goes first; there it is
 * either. Source: llm-d-router (August 2026), flowcontrol/fairness/program-aware.
 */
export const programAwareFairness = fairness({
  name: "program-aware-fairness",
  summary: "the flow that has been served least of late, with some regard for how long its head has waited",
  params: () =>
    z.object({
      strategy: z.enum(["las"]).default("las").meta({ description: "Least attained service; there is no other." }),
      evictionTtlSeconds: z
        .number()
        .nonnegative()
        .default(3600)
        .meta({ description: "Idle programs are forgotten after; 0: never." }),
      evictionSweepSeconds: z
        .number()
        .positive()
        .default(300)
        .meta({ description: "How often idle programs are looked for." }),
      lasWeightService: z.number().nonnegative().default(0.8).meta({ description: "Weight of the service attained." }),
      lasWeightHeadWait: z.number().nonnegative().default(0.2).meta({ description: "Weight of the wait of the head." }),
      lasHalfLifeSeconds: z
        .number()
        .nonnegative()
        .default(60)
        .meta({ description: "Half-life of attained service; 0: it stays." }),
    }),
  create: (params) => new LeastAttained(params),
});

interface Params {
  readonly evictionTtlSeconds: number;
  readonly evictionSweepSeconds: number;
  readonly lasWeightService: number;
  readonly lasWeightHeadWait: number;
  readonly lasHalfLifeSeconds: number;
}

/** What one program has got, and is getting. */
interface Program {
  service: number;
  /** When `service` was right; it decays from then on. */
  since: SimTime;
  inFlight: number;
  lastSeen: SimTime;
}

class LeastAttained implements FairnessPolicy {
  readonly #params: Params;
  readonly #programs = new Map<string, Program>();
  #sweeps = 0;

  constructor(params: Params) {
    this.#params = params;
  }

  band(): FlowPicker {
    const flows = new Set<FlowView>();
    return {
      restless: false,
      changed: (flow) => {
        if (flow.head === undefined) flows.delete(flow);
        else flows.add(flow);
      },
      pick: (now) => this.#best(flows, now),
      forget: () => undefined,
    };
  }

  started(id: string, now: SimTime): void {
    this.#programOf(id, now).inFlight += 1;
  }

  ended(id: string, promptTokens: number, outputTokens: number, now: SimTime): void {
    const program = this.#programOf(id, now);
    program.service = this.#serviceOf(program, now) + PROMPT_TOKEN * promptTokens + OUTPUT_TOKEN * outputTokens;
    program.since = now;
    program.inFlight -= 1;
    program.lastSeen = now;
  }

  #best(flows: ReadonlySet<FlowView>, now: SimTime): FlowView | undefined {
    let [leastService, mostService, leastWait, mostWait] = [Infinity, 0, Infinity, 0];
    const services: number[] = [];
    for (const flow of flows) {
      const service = this.#serviceOf(this.#programOf(flow.id, now), now);
      const wait = waitOf(flow, now);
      services.push(service);
      [leastService, mostService] = [Math.min(leastService, service), Math.max(mostService, service)];
      [leastWait, mostWait] = [Math.min(leastWait, wait), Math.max(mostWait, wait)];
    }
    let best: FlowView | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    let index = 0;
    for (const flow of flows) {
      const service = services[index++] as number;
      const score =
        this.#params.lasWeightService * (1 - scaled(service, leastService, mostService)) +
        this.#params.lasWeightHeadWait * scaled(waitOf(flow, now), leastWait, mostWait);
      if (score > bestScore || (score === bestScore && isOlder(flow, best))) [best, bestScore] = [flow, score];
    }
    return best;
  }

  #serviceOf({ service, since }: Program, now: SimTime): number {
    const halfLife = this.#params.lasHalfLifeSeconds;
    return halfLife === 0 ? service : service * 2 ** (-(toSeconds(now) - toSeconds(since)) / halfLife);
  }

  #programOf(id: string, now: SimTime): Program {
    this.#forgetIdle(now);
    let program = this.#programs.get(id);
    if (program === undefined) {
      program = { service: 0, since: now, inFlight: 0, lastSeen: now };
      this.#programs.set(id, program);
    }
    return program;
  }

  /** Does what the sweeps up to now would have done: of an untouched program the last one decides. */
  #forgetIdle(now: SimTime): void {
    const { evictionSweepSeconds: interval, evictionTtlSeconds: ttl } = this.#params;
    const sweeps = Math.floor(toSeconds(now) / interval);
    if (sweeps === this.#sweeps || ttl === 0) return;
    this.#sweeps = sweeps;
    for (const [id, { inFlight, lastSeen }] of this.#programs) {
      if (inFlight === 0 && sweeps * interval - toSeconds(lastSeen) > ttl) this.#programs.delete(id);
    }
  }
}

/** Whole milliseconds. */
const waitOf = ({ head }: FlowView, now: SimTime): number => Math.floor((now - (head as Waiting).enqueuedAt) / 1000);
const scaled = (value: number, least: number, most: number): number =>
  most === least ? 0.5 : (value - least) / (most - least);
const isOlder = (flow: FlowView, than: FlowView | undefined): boolean =>
  than === undefined || (flow.head as Waiting).order < (than.head as Waiting).order;
