import type { Fact, Routing } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import { HeldQueues } from "./held-queues.ts";
import type { GatewayKpis, TurnedAway } from "./report.ts";
import { QuantileSketch } from "./sketch.ts";
import { DEFAULT_CLASS } from "./slo.ts";
import { summaryOf } from "./summary.ts";
import type { End } from "./tally.ts";

/** Combinations of class, way and reason that are told apart. */
const MOST_REASONS = 256;

/**
 * Folds what the gateway told: queueing, shedding, routing, transfers; and who came to no answer, and why. Requests of the
 * warm-up are left out by its caller.
 */
export class GateFold {
  readonly #queues = new HeldQueues();
  readonly #queueSeconds = new QuantileSketch();
  readonly #transferSeconds = new QuantileSketch();
  readonly #turnedAway = new Map<string, TurnedAway & { count: number }>();
  readonly #decisions: Partial<Record<Routing["decision"], number>> = {};
  #held = 0;
  #dispatched = 0;
  #started = 0;
  #ended = 0;
  #failed = 0;
  #bytes = 0;
  /** Whether there is anything to tell: a world without a gateway that tells has no gateway's figures. */
  told = false;

  /** @returns how the request ended, if it did */
  gate(fact: Extract<Fact, { kind: "gate" }>): "shed" | "expired" | "timedOut" | undefined {
    this.told = true;
    const { request } = fact;
    switch (fact.event) {
      case "held":
        this.#held += 1;
        this.#queues.hold(request.id, fact.priority, request.arrival);
        return undefined;
      case "dispatched":
        this.#dispatched += 1;
        this.#queueSeconds.observe(fact.waited / 1e6);
        this.#queues.dispatch(request.id, request.arrival);
        return undefined;
      case "shed":
        this.away(request, "shed", fact.outcome ?? fact.reason);
        return "shed";
      case "expired": {
        const how = fact.outcome === "EvictedContextCancelled" ? "timedOut" : "expired";
        this.#queues.leave(request.id);
        this.away(request, how, fact.outcome);
        return how;
      }
      default:
        return fact satisfies never;
    }
  }

  routed({ decision }: Pick<Routing, "decision">): void {
    this.told = true;
    this.#decisions[decision] = (this.#decisions[decision] ?? 0) + 1;
  }

  transfer(fact: Extract<Fact, { kind: "transfer" }>): void {
    this.told = true;
    if (fact.event === "started") {
      this.#started += 1;
      return;
    }
    if (fact.event === "failed") {
      this.#failed += 1;
      return;
    }
    this.#ended += 1;
    this.#bytes += fact.bytes;
    this.#transferSeconds.observe(fact.seconds);
  }

  /** A request that came to no answer, by its class and why. */
  away({ sloClass = DEFAULT_CLASS }: Request, how: Exclude<End, "completed">, reason: string): void {
    const key = JSON.stringify([sloClass, how, reason]);
    const full = !this.#turnedAway.has(key) && this.#turnedAway.size >= MOST_REASONS;
    const said = full ? { sloClass: "other", how, reason: "other" } : { sloClass, how, reason };
    const at = full ? JSON.stringify([said.sloClass, how, said.reason]) : key;
    const entry = this.#turnedAway.get(at) ?? { ...said, count: 0 };
    entry.count += 1;
    this.#turnedAway.set(at, entry);
  }

  /** In order of class, way and reason. */
  turnedAway(): TurnedAway[] {
    const order = ({ sloClass, how, reason }: TurnedAway): string => `${sloClass} ${how} ${reason}`;
    return [...this.#turnedAway.values()].map((entry) => ({ ...entry })).sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  kpis(): GatewayKpis {
    return {
      held: this.#held,
      dispatched: this.#dispatched,
      heldAtEnd: this.#queues.held,
      queueSeconds: summaryOf(this.#queueSeconds),
      priorityInversions: this.#queues.inversions,
      decisions: { ...this.#decisions },
      transfers: {
        started: this.#started,
        ended: this.#ended,
        failed: this.#failed,
        bytes: this.#bytes,
        seconds: summaryOf(this.#transferSeconds),
      },
    };
  }
}
