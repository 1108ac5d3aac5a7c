import type { Fact } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import { Dimension, MOST_GROUPS } from "./dimension.ts";
import { TokenShares } from "./fairness.ts";
import { PoolFold, type Role } from "./pool-fold.ts";
import type { GroupKpis, Groups, Kpis } from "./report.ts";
import { DEFAULT_CLASS, SloBook, type SloTargets } from "./slo.ts";
import { END_OF, type End, groupKpis, Observed, Tally } from "./tally.ts";

/** Who names no model or tenant. */
const UNNAMED = "default";

type Kind = "classes" | "models" | "tenants" | "rounds";

/** Counts requests, all together and by class, model, tenant, round and workload. */
export class GroupFold {
  readonly all = new Tally();
  readonly #warmUp: SimTime;
  readonly #slo: SloBook;
  /** Where there are several workloads to compare. */
  readonly #pools: PoolFold | undefined;
  readonly #classes = new Dimension(this.all, DEFAULT_CLASS);
  readonly #models = new Dimension(this.all, UNNAMED);
  readonly #tenants = new Dimension(this.all, UNNAMED);
  readonly #rounds = new Dimension(this.all, "cold");
  readonly #shares = new TokenShares();
  /** Groups of the request asked for last: the next one mostly bears the same labels. */
  #last: { readonly of: Labels; readonly groups: readonly Tally[] } | undefined;
  readonly #observed = new Observed();

  /** @param workloads with their roles */
  constructor(
    warmUp: SimTime,
    slo: Readonly<Record<string, SloTargets>> | undefined,
    workloads: Readonly<Record<string, Role>>,
  ) {
    this.#warmUp = warmUp;
    this.#slo = new SloBook(slo);
    this.#pools = Object.keys(workloads).length < 2 ? undefined : new PoolFold(warmUp, workloads);
  }

  /** A request that arrived after the warm-up; so are those of the next two. */
  arrived(request: Request): void {
    const targeted = this.#slo.targets(request);
    if (request.tenant !== undefined) this.#shares.add(request.tenant, 0);
    for (const tally of this.#groupsOf(request)) {
      tally.arrived += 1;
      if (targeted) tally.targeted += 1;
    }
  }

  firstToken(request: Request, ttftSeconds: number): void {
    const bucket = this.all.ttft.bucketOf(ttftSeconds);
    for (const tally of this.#groupsOf(request)) tally.ttft.observeIn(bucket, ttftSeconds);
  }

  turnedAway(request: Request, how: Exclude<End, "completed">): void {
    for (const tally of this.#groupsOf(request)) tally.ends[how] += 1;
  }

  hasTargets(request: Request): boolean {
    return this.#slo.targets(request);
  }

  /** Of any request: throughput counts those of the warm-up too that end after it. @returns whether it attained its objective */
  finished(fact: Extract<Fact, { kind: "finished" }>): boolean {
    const { facts } = fact;
    const { request, end, outputTokens } = facts;
    const completed = END_OF[facts.outcome] === "completed";
    const observed = this.#observed.look(facts, completed && this.#slo.met(facts), this.all.e2e);
    this.#pools?.finished(fact, observed);
    const since = end >= this.#warmUp;
    const counts = request.arrival >= this.#warmUp;
    if (!since && !counts) return observed.met;
    if (since && request.tenant !== undefined) this.#shares.add(request.tenant, outputTokens);
    for (const tally of this.#groupsOf(request)) {
      if (since) tally.outputTokensSince += outputTokens;
      if (since && completed) tally.completedSince += 1;
      if (counts) tally.finished(facts, observed);
    }
    return observed.met;
  }

  prefilled(fact: Extract<Fact, { kind: "prefilled" }>): void {
    this.#pools?.prefilled(fact);
  }

  fairness(): Kpis["fairness"] {
    if (this.#shares.tenants === 0) return undefined;
    return { tenants: this.#shares.tenants, jainIndex: this.#shares.jain };
  }

  /** undefined where requests bear no labels. */
  kpis(windowSeconds: number): Groups | undefined {
    const pools = this.#pools?.kpis(windowSeconds);
    const kinds = this.#dimensions().flatMap(([kind, { groups }]): [Kind, Record<string, GroupKpis>][] =>
      groups === undefined ? [] : [[kind, tableOf(groups, windowSeconds)]],
    );
    if (kinds.length === 0 && pools === undefined) return undefined;
    return { ...Object.fromEntries(kinds), ...(pools === undefined ? {} : { pools }) };
  }

  notes(): string[] {
    const over = [
      ...this.#dimensions().flatMap(([kind, { overflowed }]) => (overflowed ? [kind] : [])),
      ...(this.#pools?.overflowed === true ? ["pools"] : []),
    ];
    const notes = over.map(
      (kind) => `of ${kind} the first ${MOST_GROUPS} have figures of their own, the rest are "other"`,
    );
    return this.#shares.overflowed
      ? [...notes, `fairness is that of the first ${this.#shares.tenants} tenants`]
      : notes;
  }

  #dimensions(): [Kind, Dimension][] {
    return [
      ["classes", this.#classes],
      ["models", this.#models],
      ["tenants", this.#tenants],
      ["rounds", this.#rounds],
    ];
  }

  /** All of them first asked, then counted: a dimension begins with what was counted before. */
  #groupsOf(request: Request): readonly Tally[] {
    const { sloClass, model, tenant, round } = request;
    const last = this.#last;
    if (
      last !== undefined &&
      last.of.sloClass === sloClass &&
      last.of.model === model &&
      last.of.tenant === tenant &&
      last.of.round === round
    ) {
      return last.groups;
    }
    const groups = [
      this.#classes.of(sloClass),
      this.#models.of(model),
      this.#tenants.of(tenant),
      this.#rounds.of(round === undefined ? undefined : round === 0 ? "cold" : "warm"),
      this.all,
    ].filter((tally) => tally !== undefined);
    this.#last = { of: { sloClass, model, tenant, round }, groups };
    return groups;
  }
}

type Labels = { readonly [K in "sloClass" | "model" | "tenant" | "round"]: Request[K] };

const tableOf = (groups: ReadonlyMap<string, Tally>, windowSeconds: number): Record<string, GroupKpis> =>
  Object.fromEntries([...groups].map(([name, tally]) => [name, groupKpis(tally, windowSeconds)]));
