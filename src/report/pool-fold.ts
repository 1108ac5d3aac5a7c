import type { Fact, Finished } from "../model/fact.ts";
import type { SimTime } from "../sim/time.ts";
import { MOST_GROUPS, OTHER } from "./dimension.ts";
import type { PoolKpis } from "./report.ts";
import { QuantileSketch } from "./sketch.ts";
import { summaryOf } from "./summary.ts";
import { groupKpis, type Observed, Tally } from "./tally.ts";

export type Role = "prefill" | "decode" | "both";

class Pool {
  readonly tally = new Tally();
  readonly queue = new QuantileSketch();
  readonly prefill = new QuantileSketch();
  prefills = 0;
}

/** Requests by the workload whose replica dealt with them: where their tokens were made, and where their prompts were computed. */
export class PoolFold {
  readonly #warmUp: SimTime;
  readonly #roles: Readonly<Record<string, Role>>;
  readonly #pools = new Map<string, Pool>();
  overflowed = false;

  constructor(warmUp: SimTime, roles: Readonly<Record<string, Role>>) {
    this.#warmUp = warmUp;
    this.#roles = roles;
  }

  finished({ workload, facts }: Extract<Fact, { kind: "finished" }>, observed: Observed): void {
    const pool = this.#pool(workload);
    const { request, firstToken, end, outcome, outputTokens } = facts;
    if (end >= this.#warmUp) {
      pool.tally.outputTokensSince += outputTokens;
      if (outcome === "stop" || outcome === "length") pool.tally.completedSince += 1;
    }
    if (request.arrival < this.#warmUp) return;
    pool.tally.arrived += 1;
    pool.tally.finished(facts, observed);
    if (firstToken !== undefined) pool.tally.ttft.observe((firstToken - request.arrival) / 1e6);
    queued(pool, facts);
  }

  prefilled({ workload, facts }: Extract<Fact, { kind: "prefilled" }>): void {
    const pool = this.#pool(workload);
    if (facts.request.arrival < this.#warmUp) return;
    pool.prefills += 1;
    pool.tally.promptTokens += facts.request.promptTokens;
    pool.tally.cachedTokens += facts.cachedTokens;
    pool.tally.preemptions += facts.preemptions;
    pool.prefill.observe((facts.end - facts.queued) / 1e6);
    queued(pool, facts);
  }

  /** By workload. */
  kpis(windowSeconds: number): Record<string, PoolKpis> {
    return Object.fromEntries(
      [...this.#pools].map(([name, { tally, queue, prefill, prefills }]) => {
        const { requests, slo: _, ...rest } = groupKpis(tally, windowSeconds);
        const { arrived: ended, inFlightAtEnd: __, shed: ___, expired: ____, ...ends } = requests;
        return [
          name,
          {
            role: this.#roles[name] ?? "both",
            requests: { ended, ...ends },
            ...rest,
            queueSeconds: summaryOf(queue),
            prefills,
            prefillSeconds: summaryOf(prefill),
          },
        ];
      }),
    );
  }

  #pool(workload: string): Pool {
    const known = this.#pools.get(workload);
    if (known !== undefined) return known;
    if (this.#pools.size >= MOST_GROUPS && workload !== OTHER) {
      this.overflowed = true;
      return this.#pool(OTHER);
    }
    const pool = new Pool();
    this.#pools.set(workload, pool);
    return pool;
  }
}

const queued = (pool: Pool, { queued: since, scheduled }: Finished): void => {
  if (scheduled !== undefined) pool.queue.observe((scheduled - since) / 1e6);
};
