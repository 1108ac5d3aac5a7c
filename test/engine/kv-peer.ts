import type { Engine, SubmitOptions } from "../../src/engine/engine.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Request } from "../../src/model/request.ts";
import { NEVER, type SimTime } from "../../src/sim/time.ts";

/** What becomes of a request's KV: it is fetched, comes or fails so long after it could; `undefined`: nobody fetches it. */
export interface KvPlan {
  readonly kv: NonNullable<SubmitOptions["kv"]>;
  readonly delayMicros: number | undefined;
  readonly fails: boolean;
}

export type KvPlans = ReadonlyMap<number, KvPlan>;

interface Answer {
  readonly at: number;
  readonly does: (engine: Engine, at: SimTime) => void;
}

/** The engines at the other end: answers what an engine tells, each thing in its time. */
export class KvPeer {
  readonly #plans: KvPlans;
  readonly #answers: Answer[] = [];

  constructor(plans: KvPlans = new Map()) {
    this.#plans = plans;
  }

  /** When it next has something to say. */
  get due(): SimTime {
    return Math.min(NEVER, ...this.#answers.map(({ at }) => at)) as SimTime;
  }

  optionsOf({ id }: Request): SubmitOptions {
    const plan = this.#plans.get(id);
    return plan === undefined ? {} : { kv: plan.kv };
  }

  wanted({ id }: Request, at: SimTime): void {
    const fails = this.#plans.get(id)?.fails === true;
    this.#answer(id, at, (engine, now) => (fails ? engine.kvFailed(id, now) : engine.kvArrived(id, now)));
  }

  finished({ request: { id }, end, outcome }: Finished): void {
    if (this.#plans.get(id)?.kv !== "send" || outcome === "rejected") return;
    this.#answer(id, end, (engine, now) => engine.kvSent(id, now));
  }

  /** Says what is due. */
  speak(engine: Engine, now: SimTime): void {
    const due = this.#answers.findIndex(({ at }) => at <= now);
    const [answer] = due < 0 ? [] : this.#answers.splice(due, 1);
    answer?.does(engine, now);
  }

  #answer(id: number, from: SimTime, does: Answer["does"]): void {
    const delay = this.#plans.get(id)?.delayMicros;
    if (delay !== undefined) this.#answers.push({ at: from + delay, does });
  }
}
