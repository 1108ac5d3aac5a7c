import type { EngineTiming } from "../../src/engine/engine.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import { after, type Micros, type SimTime } from "../../src/sim/time.ts";
import type { Sequence } from "./sequence.ts";

/** Instants as the client sees them: the engine's, and the front end's share (design notes 7). */
export class ClientView {
  readonly #timing: EngineTiming;
  readonly #blis: boolean;

  constructor(timing: EngineTiming, mode: "vllm" | "blis") {
    this.#timing = timing;
    this.#blis = mode === "blis";
  }

  firstToken({ firstToken }: Sequence): SimTime | undefined {
    return firstToken === undefined ? undefined : after(firstToken, this.#timing.perToken);
  }

  /** BLIS adds up the gaps, each with the front end's share, and so leaves out steps that passed a request over (D10). */
  end(sequence: Sequence): SimTime {
    const { perToken, atFinish } = this.#timing;
    const first = this.firstToken(sequence) as SimTime;
    const last = this.#blis ? after(first, sequence.gapSum as Micros) : after(sequence.lastToken, perToken);
    return after(last, atFinish);
  }

  /** @param step how long the step took that brought the newest token */
  gapBefore(sequence: Sequence, end: SimTime, step: number): number {
    return this.#blis ? step + this.#timing.perToken : end - sequence.lastToken;
  }

  factsOf(sequence: Sequence, outcome: Outcome, end: SimTime): Finished {
    const firstToken = this.firstToken(sequence);
    return {
      request: sequence.request,
      outcome,
      queued: Math.min(sequence.queued, end) as SimTime,
      scheduled: sequence.scheduled,
      firstToken,
      end: Math.max(end, firstToken ?? end) as SimTime,
      outputTokens: sequence.outputs,
      cachedTokens: sequence.cached,
      preemptions: sequence.preemptions,
    };
  }
}

/** Of a request that doesn't get past the door. */
export const turnedAway = (request: Request, outcome: Outcome, now: SimTime): Finished => ({
  request,
  outcome,
  queued: now,
  scheduled: undefined,
  firstToken: undefined,
  end: now,
  outputTokens: 0,
  cachedTokens: 0,
  preemptions: 0,
});
