import type { LoraInfo } from "../model/endpoint.ts";
import type { OffloadState } from "../model/engine-state.ts";
import { noObjects } from "../sim/objects.ts";
import { NEVER, type SimTime, START } from "../sim/time.ts";
import { Coasters } from "./coasters.ts";
import { EncoderCache, type EncoderPlan } from "./encoder-cache.ts";
import type { EngineConfig } from "./engine.ts";
import type { EngineMetrics } from "./engine-metrics.ts";
import { HostCache } from "./host-cache.ts";
import { type Hits, KvCache } from "./kv-cache.ts";
import type { KvTransfers } from "./kv-transfers.ts";
import type { MacroStep, Share } from "./macro-step.ts";
import { type SchedulingPolicy, schedulingPolicy } from "./scheduling-policy.ts";
import type { KvLoad, Sequence } from "./sequence.ts";
import { TierClient } from "./tier-client.ts";
import { FirstComeQueue, OrderedQueue, type WaitingQueue } from "./waiting-queue.ts";

/** Tokens given to somebody in the step that is being made. */
interface Grant {
  readonly sequence: Sequence;
  readonly tokens: number;
  /** Tokens of images and the like to encode for it. */
  readonly encoded: number;
}

/**
 * Decides what the next step computes: first everybody running, then newcomers while tokens, slots and blocks last.
 * There is no prefill or decode phase: each sequence gets what it lacks, cut to the budget.
 * Source: vllm/v1/core/sched/scheduler.py (May 2026); `blis` mode: sim/batch_formation.go @f90a1e3a.
 *
 * Those that decode coast and are scheduled all together. Where blocks run short and the last of the running gives way,
 * the others go on coasting; where tokens run short, or the victim may stand anywhere, order matters and all are
 * scheduled one by one until there is enough again.
 */
export class MacroScheduler {
  readonly coasters: Coasters;
  /** Running ones that don't coast, in order of rank. */
  readonly apart: Sequence[] = noObjects();
  readonly waiting: WaitingQueue;
  readonly cache: KvCache;
  readonly encoder: EncoderCache | undefined;
  readonly host: HostCache | undefined;
  readonly tier: TierClient | undefined;
  /**
   * Whether nobody in the queue can enter while only coasters run, nobody arrives or leaves and no load ends; and if so,
   * whether one who comes to its end would be looked at.
   */
  barred = false;
  open = true;
  /** Whether somebody was preempted in the step scheduled last, so that nobody was admitted. */
  preempted = false;
  readonly #config: EngineConfig;
  readonly #metrics: EngineMetrics;
  readonly #transfers: KvTransfers;
  readonly #policy: SchedulingPolicy;
  readonly #blis: boolean;
  readonly #async: boolean;
  readonly #coasts: boolean;
  readonly #offsets: readonly number[];
  /** Draft tokens of each that decodes. */
  readonly #drafts: number;
  readonly #encoderBudget: number;
  /** Waiting for blocks from elsewhere, and in the queue with blocks that came from there. */
  readonly #loading = new Set<Sequence>();
  readonly #loaded = new Set<Sequence>();
  /** Whose lookups are counted again with each step: the one that doesn't fit. */
  #stuck: { readonly sequence: Sequence; readonly hits: number } | undefined;
  /** Conversations of the running ones, and how many there are of each. */
  readonly #conversations = new Map<string, number>();
  #admissions = 0;
  #scheduledAt: SimTime = START;
  #scarce = false;
  #gone = 0;
  /** Of the step being made. */
  #step: MacroStep | undefined;
  #underWay: MacroStep | undefined;
  readonly #grants: Grant[] = noObjects();
  /** Those passed over in the queue. */
  readonly #aside: Sequence[] = [];
  #encoderLeft = 0;
  #adapters = new Set<string>();

  /**
   * @param async whether the next step is scheduled while one is under way
   * @param coasts whether those that decode may be scheduled all together
   */
  constructor(config: EngineConfig, metrics: EngineMetrics, transfers: KvTransfers, async: boolean, coasts: boolean) {
    this.#config = config;
    this.#metrics = metrics;
    this.#transfers = transfers;
    this.#blis = config.mode === "blis";
    this.#async = async;
    this.#policy = schedulingPolicy(config.schedulingPolicy);
    const { order } = this.#policy;
    this.waiting = order === undefined ? new FirstComeQueue() : new OrderedQueue(order);
    this.cache = new KvCache(config, transfers.events);
    this.coasters = new Coasters(config.blockSize, this.cache.groups, this.cache.window);
    this.#offsets = this.cache.offsets;
    this.#coasts = coasts && config.speculation === undefined;
    this.#drafts = this.#blis ? 0 : (config.speculation?.tokens ?? 0);
    this.#encoderBudget = config.encoderBudget ?? config.maxNumBatchedTokens;
    const { encoderCacheTokens = config.maxNumBatchedTokens } = config;
    this.encoder = this.#blis ? undefined : new EncoderCache(encoderCacheTokens);
    const offloads = config.prefixCaching && !this.#blis && this.cache.groups === 1 && !this.cache.slides;
    this.host = offloads && config.offload !== undefined ? new HostCache(config.offload, config.blockSize) : undefined;
    const { tier } = transfers;
    const isTiered = offloads && config.tier !== undefined && tier !== undefined;
    this.tier = isTiered ? new TierClient(config.tier, tier, config.blockSize) : undefined;
  }

  /** Whether blocks of prompts are kept elsewhere than on the GPU. */
  get offloads(): boolean {
    return this.host !== undefined || this.tier !== undefined;
  }

  /** Offers the full blocks of a sequence's prompt among its first `tokens` tokens that weren't offered before. */
  offer(sequence: Sequence, tokens: number, now: SimTime): void {
    const from = sequence.offered;
    const until = Math.floor(Math.min(tokens, sequence.request.promptTokens) / this.#config.blockSize);
    if (until <= from) return;
    sequence.offered = until;
    const { counters } = this.#metrics;
    if (this.host !== undefined) counters.storedBlocks += this.host.store(sequence, from, until, now);
    if (this.tier !== undefined) counters.tierStoredBlocks += this.tier.store(sequence, from, until, now);
  }

  /** What its offloading connector shows, if it has one that does. */
  offloadState(now: SimTime): OffloadState | undefined {
    const { tierLoadedBlocks, tierStoredBlocks } = this.#metrics.counters;
    return this.host?.look({ read: tierLoadedBlocks, written: tierStoredBlocks }, now);
  }

  /** Those in the queue that wait for blocks from elsewhere. */
  get deferred(): number {
    return this.#loading.size;
  }

  get running(): number {
    return this.apart.length + this.coasters.count;
  }

  /** `vllm:lora_requests_info`; undefined where no adapters are served. */
  get lora(): LoraInfo | undefined {
    if (this.#config.lora === undefined) return undefined;
    const apart = this.apart.flatMap(({ request: { adapter } }) => (adapter === undefined ? [] : [adapter]));
    const running = [...new Set([...apart, ...this.coasters.adapterNames])].sort();
    return { max: this.#config.lora.maxLoras, running, waiting: [...this.waiting.adapters].sort() };
  }

  /** Whether nobody is looked at for admission, be there room or not, as long as only coasters run. */
  get closed(): boolean {
    const { maxNumSeqs, maxNumBatchedTokens } = this.#config;
    return this.running >= maxNumSeqs || this.coasters.count >= maxNumBatchedTokens;
  }

  /** Whether somebody who comes to the queue now may enter with the next step that is scheduled. */
  get admits(): boolean {
    return !this.closed && (this.open || this.#policy.order !== undefined);
  }

  /** End of the next load that the step scheduled last has not seen; Infinity if there is none. */
  get nextLoad(): number {
    let next = Number.POSITIVE_INFINITY;
    if (this.#loading.size === 0) return next;
    for (const { load } of this.#loading) {
      if (load !== undefined && load.end > this.#scheduledAt) next = Math.min(next, load.end);
    }
    return next;
  }

  /**
   * Fills `step`. Members' computed tokens are advanced at once, as vLLM does.
   * @param underWay the step that runs meanwhile, if any
   */
  schedule(step: MacroStep, underWay: MacroStep | undefined, now: SimTime): void {
    step.clear();
    this.#scheduledAt = now;
    this.#stuck = undefined;
    this.#step = step;
    this.#underWay = underWay;
    this.barred = false;
    this.open = true;
    this.preempted = false;
    const { coasters } = this;
    const number = coasters.scheduled + 1;
    for (let next = coasters.popHalting(number); next; next = coasters.popHalting(number)) {
      this.setApart(next, underWay);
    }
    if (this.apart.length > 0) this.#recruit();
    step.number = number;
    if (this.#isPlain()) this.#coastOn(step);
    else this.#scheduleAll(step, underWay, now);
    step.adapters = this.#adapters;
    step.batch.adapters = this.#adapters.size;
  }

  /** Whether there is nobody but coasters, for whom there is enough: then the general course of things comes to the same. */
  #isPlain(): boolean {
    const { coasters, cache } = this;
    if (this.apart.length > 0 || this.waiting.length > 0 || coasters.count === 0) return false;
    if (coasters.count > this.#config.maxNumBatchedTokens || coasters.blocksFor() > cache.free) return false;
    return !cache.slides && this.#config.lora === undefined;
  }

  /** Whether the next step comes to no more than coasting. */
  get goesOn(): boolean {
    return this.coasters.nextHalt > this.coasters.scheduled + 1 && this.#isPlain();
  }

  /** The next step is scheduled where it `goesOn`. */
  goOn(): void {
    this.#stuck = undefined;
    this.barred = true;
    this.open = true;
    this.pass();
  }

  #coastOn(step: MacroStep): void {
    this.cache.stockUp(this.coasters.blocksFor());
    step.coasters = step.size = this.coasters.count;
    this.coasters.schedule(step.batch);
    this.barred = true;
  }

  #scheduleAll(step: MacroStep, underWay: MacroStep | undefined, now: SimTime): void {
    this.#encoderLeft = this.#encoderBudget;
    let left = this.coasters.count > 0 ? this.#scheduleTogether(step, underWay) : undefined;
    if (left === undefined) {
      if (this.coasters.count > 0) this.#setAllApart(underWay);
      this.coasters.pass();
      left = this.#scheduleEach(step, this.#config.maxNumBatchedTokens);
    }
    if (this.#config.lora !== undefined) this.#collectAdapters(step);
    if (!this.preempted) this.#admit(step, left, now);
    // A newcomer whose prompt is computed as a whole coasts from the next step on, whatever happens until that is scheduled.
    if (this.apart.length > 0 && this.#async && !this.#scarce) this.#recruit();
  }

  /** The next step is scheduled, which has coasters only. */
  pass(): void {
    const { coasters, cache } = this;
    if (cache.slides) {
      for (const sequence of coasters.at(this.#offsets)) {
        this.slide(sequence);
        if (coasters.needsBlock(sequence)) cache.stockUp(cache.groups);
      }
    } else cache.stockUp(coasters.blocksFor());
    coasters.pass();
  }

  /** So many such steps have ended. */
  passed(steps: number): void {
    if (this.#stuck !== undefined) this.#countLookup(this.#stuck.sequence, this.#stuck.hits, steps);
  }

  /** Ends coasting: from now on the sequence has figures and blocks of its own. */
  settle(sequence: Sequence): void {
    this.coasters.leave(sequence);
    this.cache.furnish(sequence, sequence.computed);
    // An asynchronous scheduler doesn't know yet the token before the one it schedules.
    this.cache.name(sequence, sequence.computed - (this.#async ? 1 : 0));
  }

  /** The same for one that stays on the list. */
  setApart(sequence: Sequence, ...underWay: readonly (MacroStep | undefined)[]): void {
    this.settle(sequence);
    for (const step of underWay) step?.turn(sequence);
    let at = this.apart.length;
    while (at > 0 && (this.apart[at - 1] as Sequence).rank > sequence.rank) at -= 1;
    this.apart.splice(at, 0, sequence);
  }

  /**
   * Gives up all that a sequence holds, and its place at the next sweep. Blocks that another engine writes to are given
   * up later, by a second call. @param from where it was
   */
  release(sequence: Sequence, from: Sequence["state"]): void {
    if (sequence.load === undefined || sequence.load.end !== NEVER) this.cache.release(sequence);
    this.retire(sequence, from);
  }

  /** The same but for its KV blocks. */
  retire(sequence: Sequence, from: Sequence["state"]): void {
    this.encoder?.free(sequence);
    this.#forgetLoad(sequence);
    this.barred = false;
    if (from === "running") {
      this.#gone += 1;
      this.#converse(sequence, -1);
    }
    if (from === "waiting") this.waiting.lost();
  }

  /**
   * Nobody runs, yet nobody can enter: those in the queue that hold blocks from elsewhere give them up; vLLM would stand
   * still. @returns whether there were any
   */
  unload(): boolean {
    const holders = [...this.#loading, ...this.#loaded];
    if (this.running > 0 || holders.length === 0) return false;
    // What is under way will change things.
    if (holders.some(({ load }) => load !== undefined && load.end > this.#scheduledAt)) return false;
    for (const sequence of holders.sort((a, b) => a.order - b.order)) {
      this.cache.release(sequence);
      this.#forgetLoad(sequence);
      sequence.computed = 0;
    }
    return true;
  }

  /** Takes those that are gone off the list, all at once. */
  sweep(): void {
    if (this.#gone === 0) return;
    this.#gone = 0;
    let kept = 0;
    for (let i = 0; i < this.apart.length; i += 1) {
      const sequence = this.apart[i] as Sequence;
      if (sequence.state === "gone") continue;
      this.apart[kept] = sequence;
      kept += 1;
    }
    keepFirst(this.apart, kept);
  }

  #setAllApart(underWay: MacroStep | undefined): void {
    this.#scarce = true;
    const byRank = this.coasters.members.sort((a, b) => a.rank - b.rank);
    for (const sequence of byRank) this.setApart(sequence, underWay);
  }

  /** Lets all coast that can, unless things have run short and may again with the next step. */
  #recruit(): void {
    if (!this.#coasts) return;
    if (this.#scarce) {
      if (this.cache.free < this.running || this.#config.maxNumBatchedTokens < this.running) return;
      this.#scarce = false;
    }
    let kept = 0;
    for (let i = 0; i < this.apart.length; i += 1) {
      const sequence = this.apart[i] as Sequence;
      if (this.#canCoast(sequence)) {
        this.coasters.join(sequence, this.#async && sequence.foreseen);
        continue;
      }
      this.apart[kept] = sequence;
      kept += 1;
    }
    keepFirst(this.apart, kept);
  }

  /** Whether it got its newest token from the step before this one, lacks just that one, and more come. */
  #canCoast(sequence: Sequence): boolean {
    const { known, placeholders, computed, outputs, limit } = sequence;
    if (computed < sequence.prefillEnd || known + placeholders - computed !== 1) return false;
    if (outputs + placeholders >= limit || computed > this.#config.maxModelLen - 2) return false;
    if (this.cache.slides && !this.cache.hasSlid(sequence, computed)) return false;
    if (!this.#fillsAlone(sequence)) return false;
    if (this.#async) return placeholders === 1;
    return placeholders === 0 && sequence.lastToken === this.coasters.lastEnd;
  }

  /**
   * Whether it doesn't matter when exactly the blocks that it fills get their names: of two of one conversation the first
   * would be found, and in `blis` mode evicting one forgets the other (D7).
   */
  #fillsAlone({ request: { conversation } }: Sequence): boolean {
    return conversation === undefined || (!this.#blis && this.#conversations.get(conversation) === 1);
  }

  /** @returns the budget left, or undefined, with nothing changed, if all have to be scheduled one by one */
  #scheduleTogether(step: MacroStep, underWay: MacroStep | undefined): number | undefined {
    const { coasters, apart } = this;
    if (coasters.count > this.#config.maxNumBatchedTokens) return undefined;
    // Those before a coaster must not take tokens or blocks from it; those behind can't.
    const behind = (apart[0]?.rank ?? Number.POSITIVE_INFINITY) > coasters.highestRank;
    if (!behind && this.cache.slides) return undefined;
    if (!(behind && this.#policy.takesLast) && !this.#isEnough()) return undefined;
    this.#stockUp(underWay);
    step.coasters = step.size = coasters.count;
    const left = this.#config.maxNumBatchedTokens - coasters.count;
    coasters.schedule(step.batch);
    return this.#scheduleEach(step, left);
  }

  /** Whether everybody running gets the tokens and the blocks that it lacks, in whatever order. */
  #isEnough(): boolean {
    let budget = this.#config.maxNumBatchedTokens - this.coasters.count;
    let blocks = this.cache.free - this.coasters.blocksFor();
    for (const sequence of this.apart) {
      // Which of two blocks with one key is evicted when the other gets it matters where only one is remembered (D7).
      if (this.#blis && sequence.shared.limit > 0) return false;
      // What can't be encoded yet cuts a chunk.
      if (sequence.encoderItems.length > 0 && sequence.computed < sequence.prefillEnd) return false;
      const tokens = Math.max(0, this.#demand(sequence));
      budget -= tokens;
      blocks -= this.cache.missing(sequence, sequence.computed + tokens);
    }
    return budget >= 0 && blocks >= 0;
  }

  /** Blocks for all coasters that need one, in order; where none is left, the last of the running gives up its own. */
  #stockUp(underWay: MacroStep | undefined): void {
    const { coasters, cache } = this;
    if (cache.slides) return this.#slideAndStockUp(underWay);
    const { groups } = cache;
    for (let lacking = coasters.blocksFor(); lacking > 0; ) {
      const found = Math.min(lacking, cache.free - (cache.free % groups));
      cache.stockUp(found);
      lacking -= found;
      if (lacking > 0 && this.#preemptLast(underWay).lacked) lacking -= groups;
    }
  }

  /** The same for one after the other, where blocks are given up meanwhile. */
  #slideAndStockUp(underWay: MacroStep | undefined): void {
    const { coasters, cache } = this;
    for (const sequence of coasters.at(this.#offsets)) {
      if (!sequence.coasting) continue;
      this.slide(sequence);
      if (!coasters.needsBlock(sequence)) continue;
      while (cache.free < cache.groups && sequence.coasting) this.#preemptLast(underWay);
      if (sequence.coasting) cache.stockUp(cache.groups);
    }
  }

  /** What a coaster gives up before the next step; all that it has filled has its name by then. */
  slide(sequence: Sequence): void {
    const computed = this.coasters.computed(sequence);
    this.cache.furnish(sequence, computed);
    this.cache.name(sequence, computed - (this.#async ? 1 : 0));
    this.cache.slide(sequence, computed);
  }

  /** @returns whether the victim lacked a block itself */
  #preemptLast(underWay: MacroStep | undefined): { readonly lacked: boolean } {
    const { coasters, apart } = this;
    const victim = apart.pop() ?? (coasters.last as Sequence);
    const lacked = victim.coasting && coasters.needsBlock(victim);
    if (victim.coasting) {
      this.settle(victim);
      underWay?.turn(victim);
    }
    this.#preempt(victim);
    return { lacked };
  }

  /** Schedules those that don't coast. @returns the budget left */
  #scheduleEach(step: MacroStep, budget: number): number {
    const { apart } = this;
    if (apart.length === 0) return budget;
    const grants = this.#grants;
    let left = budget;
    for (let i = 0; i < apart.length && left > 0; i += 1) {
      const sequence = apart[i] as Sequence;
      const wanted = Math.min(this.#demand(sequence), left);
      if (wanted <= 0) continue;
      const plan = this.#planEncoder(sequence, sequence.computed, wanted);
      const tokens = plan?.tokens ?? wanted;
      if (tokens === 0) continue;
      let fits = this.cache.grow(sequence, sequence.computed + tokens);
      while (!fits) {
        const victim = apart[this.#policy.victim(apart)] as Sequence;
        const granted = grants.findIndex((grant) => grant.sequence === victim);
        if (granted >= 0) {
          const [{ tokens: back, encoded }] = grants.splice(granted, 1) as [Grant];
          left += back;
          this.#encoderLeft += encoded;
          i -= 1;
        }
        apart.splice(apart.indexOf(victim), 1);
        this.#preempt(victim);
        if (victim === sequence) break;
        fits = this.cache.grow(sequence, sequence.computed + tokens);
      }
      if (!fits) break;
      if (plan !== undefined) this.#encode(sequence, plan);
      left -= tokens;
      this.#advance(sequence, tokens);
      grants.push({ sequence, tokens, encoded: plan?.cost ?? 0 });
    }
    for (const { sequence, tokens, encoded } of grants) {
      step.add(sequence, tokens, this.#expected(sequence));
      step.batch.encoderTokens += encoded;
    }
    keepFirst(grants, 0);
    return left;
  }

  /** The context's last position is never computed; so a request that ends by length wastes no slot (1.8). */
  #demand(sequence: Sequence): number {
    const { placeholders, computed, prefillEnd, outputs } = sequence;
    // The token that meets the budget is under way: nothing is left to do, and the scheduler knows.
    if (this.#async && placeholders > 0 && sequence.foreseen && outputs + placeholders >= sequence.limit) return 0;
    let lacking = this.#expected(sequence) - computed;
    if (lacking > 0 && computed >= prefillEnd) lacking += this.#drafts;
    return Math.min(this.#chunk(lacking), this.#config.maxModelLen - 1 - computed);
  }

  /** Tokens that are known or, one step ahead, will be when the steps under way are done. */
  #expected({ known, placeholders }: Sequence): number {
    return this.#async ? known + placeholders : known;
  }

  #chunk(tokens: number): number {
    const threshold = this.#config.longPrefillTokenThreshold;
    return threshold > 0 && threshold < tokens ? threshold : tokens;
  }

  /** @returns undefined where nothing is to be encoded */
  #planEncoder(sequence: Sequence, computed: number, tokens: number): EncoderPlan | undefined {
    if (sequence.encoderItems.length === 0) return undefined;
    return this.encoder?.plan(sequence, computed, tokens, this.#encoderLeft);
  }

  #encode(sequence: Sequence, { items, cost }: EncoderPlan): void {
    this.encoder?.encode(sequence, items);
    this.#encoderLeft -= cost;
  }

  /** Takes the blocks of a sequence; it computes them again later. */
  #preempt(victim: Sequence): void {
    this.preempted = true;
    this.cache.release(victim);
    this.encoder?.free(victim);
    this.#converse(victim, -1);
    victim.computed = 0;
    victim.offered = 0;
    victim.preemptions += 1;
    victim.state = "waiting";
    if (this.#blis) restart(victim);
    this.waiting.putBack(victim);
    this.#metrics.counters.preemptions += 1;
  }

  #collectAdapters(step: MacroStep): void {
    this.#adapters = new Set(this.coasters.adapterNames);
    for (let i = 0; i < step.apart; i += 1) {
      const { adapter } = (step.shares[i] as Share).sequence.request;
      if (adapter !== undefined) this.#adapters.add(adapter);
    }
  }

  /** Whether its adapter would be one too many in this step. */
  #lacksSlot({ request: { adapter } }: Sequence): boolean {
    const { lora } = this.#config;
    if (lora === undefined || adapter === undefined || this.#adapters.has(adapter)) return false;
    return this.#adapters.size >= lora.maxLoras;
  }

  /** Looks at the queue in order; who has to wait for something of his own is passed over, who finds no room ends it. */
  #admit(step: MacroStep, budget: number, now: SimTime): void {
    const aside = this.#aside;
    let left = budget;
    this.barred = step.apart === 0;
    while (this.running < this.#config.maxNumSeqs && left > 0) {
      const sequence = this.waiting.peek();
      if (sequence === undefined) break;
      const taken =
        this.#isLoading(sequence, now) || this.#lacksSlot(sequence) ? ASIDE : this.#try(step, sequence, left, now);
      if (taken === NO_ROOM) {
        this.open = false;
        break;
      }
      this.waiting.shift();
      if (taken === ASIDE) aside.push(sequence);
      else {
        left -= taken;
        this.barred = false;
      }
    }
    for (let next = aside.pop(); next !== undefined; next = aside.pop()) this.waiting.putBack(next);
  }

  /** Whether blocks are on their way to it; those that have come get their names when they are first seen. */
  #isLoading(sequence: Sequence, now: SimTime): boolean {
    const { load } = sequence;
    if (load === undefined || load.end > now) return load !== undefined;
    if (this.#loading.delete(sequence)) this.#endLoad(sequence, load, now);
    return false;
  }

  /** One token is left to compute. Where no block has come all are given up (_update_waiting_for_remote_kv). */
  #endLoad(sequence: Sequence, { blocks, far }: KvLoad, now: SimTime): void {
    if (blocks === 0) {
      this.cache.release(sequence);
      sequence.load = undefined;
      return;
    }
    const tokens = Math.min(blocks * this.#config.blockSize, sequence.known);
    if (far > 0) this.host?.promote(sequence, blocks - far, blocks, now);
    this.#loaded.add(sequence);
    this.#nameTwins(sequence);
    this.cache.name(sequence, tokens);
    sequence.computed = Math.min(tokens, sequence.known - 1);
  }

  /** @returns the tokens it got; `ASIDE` if blocks are on their way; `NO_ROOM`, with nothing changed, if it can't enter */
  #try(step: MacroStep, sequence: Sequence, budget: number, now: SimTime): number {
    const loaded = sequence.load !== undefined;
    if (loaded) this.#nameTwins(sequence);
    const hits = loaded ? NO_HITS : this.#lookup(sequence);
    const { blockSize, maxModelLen, chunkedPrefill } = this.#config;
    if (sequence.receives && this.cache.takes(sequence.known)) return this.#receive(sequence, hits, now);
    const near = loaded ? 0 : (this.host?.lookup(sequence, hits.blocks, now) ?? 0);
    const far = loaded ? 0 : (this.tier?.lookup(sequence, hits.blocks + near, now) ?? 0);
    if (near + far > 0) return this.#load(sequence, hits, near, far, now);
    const start = loaded ? sequence.computed : hits.blocks * blockSize;
    const lacking = this.#chunk(sequence.known - start);
    const most = Math.min(lacking, budget, maxModelLen - 1 - start);
    // Without chunks a prompt waits until the budget takes it whole.
    if (!chunkedPrefill && lacking > budget) return this.#noRoom(sequence, hits, budget, now);
    const plan = this.#planEncoder(sequence, start, most);
    const tokens = plan?.tokens ?? most;
    if (tokens < Math.min(1, most) || !this.#allocate(sequence, hits, start + tokens, loaded)) {
      this.encoder?.free(sequence);
      return this.#noRoom(sequence, hits, budget, now);
    }
    if (this.#blis) this.#countLookup(sequence, hits.blocks, 1);
    if (plan !== undefined) this.#encode(sequence, plan);
    this.#enter(sequence, start);
    this.#advance(sequence, tokens);
    step.add(sequence, tokens, this.#expected(sequence));
    this.#seat(sequence);
    step.batch.encoderTokens += plan?.cost ?? 0;
    if (this.#config.lora !== undefined && sequence.request.adapter !== undefined) {
      this.#adapters.add(sequence.request.adapter);
    }
    return tokens;
  }

  #lookup(sequence: Sequence): Hits {
    this.#nameTwins(sequence);
    const hits = this.cache.lookup(sequence);
    if (!this.#blis) this.#countLookup(sequence, hits.blocks, 1);
    return hits;
  }

  /** What a coaster of the same conversation has filled gets its name before others look for it, or name the same. */
  #nameTwins({ request: { conversation } }: Sequence): void {
    const other = conversation === undefined ? undefined : this.coasters.ofConversation(conversation);
    if (other !== undefined) this.setApart(other, this.#step, this.#underWay);
  }

  /** The whole prompt must fit, so that it isn't preempted half-way (vLLM scheduler_reserve_full_isl, D8). */
  #allocate(sequence: Sequence, hits: Hits, end: number, loaded: boolean): boolean {
    if (loaded) return this.cache.grow(sequence, end);
    return this.cache.admit(sequence, hits, end, this.#blis ? 0 : sequence.known);
  }

  /**
   * Nobody else is looked at now. While only coasters run, blocks get fewer and nothing gets a name that it could find.
   * It may lose what it has found among the free blocks; that leaves what it needs as it is, unless it asks for no more
   * than a chunk. Only who counts its lookups has to see it.
   */
  #noRoom(sequence: Sequence, hits: Hits, budget: number, now: SimTime): number {
    const counted = sequence.load === undefined && !this.#blis && sequence.preemptions === 0;
    const whole = !this.#blis || Math.min(this.#chunk(sequence.known), budget) === sequence.known;
    if (hits.free > 0 && (counted || !whole)) this.barred = false;
    // Windows give blocks back, what is written to the host can soon be read, and each look makes encodings younger.
    if (this.cache.slides || sequence.encoderItems.length > 0) this.barred = false;
    if (this.host !== undefined && !this.host.settled(now)) this.barred = false;
    // What others write below may come to be found, for which blocks are needed, but no tokens of the step.
    if (this.tier !== undefined && !this.#config.chunkedPrefill) this.barred = false;
    if (counted) this.#stuck = { sequence, hits: hits.blocks };
    return NO_ROOM;
  }

  /** Brings back `near` blocks after the hits from host memory, and `far` ones after those from the tier below. */
  #load(sequence: Sequence, hits: Hits, near: number, far: number, now: SimTime): number {
    const { blockSize } = this.#config;
    const blocks = hits.blocks + near + far;
    if (!this.cache.admit(sequence, hits, blocks * blockSize, sequence.known)) {
      this.barred = false;
      return NO_ROOM;
    }
    const nearEnd = near === 0 ? now : (this.host as HostCache).load(sequence, hits.blocks, near, now);
    if (far === 0) sequence.load = { end: nearEnd, blocks, far, nearEnd };
    else {
      this.#transfers.fetch(sequence, hits.blocks, { blocks, far, nearEnd });
      this.tier?.load(sequence, blocks - far, blocks, now);
    }
    this.#loading.add(sequence);
    const { counters } = this.#metrics;
    counters.externalQueries += sequence.known - hits.blocks * blockSize;
    counters.externalHits += (near + far) * blockSize;
    counters.loadedBlocks += near;
    counters.tierLoadedBlocks += far;
    this.barred = false;
    return ASIDE;
  }

  /**
   * Asks another engine for what isn't here of the prompt. With a step under way the worker hears of it when that is done
   * (GPUModelRunner.execute_model); layers with a window get blocks for the whole of it, too.
   */
  #receive(sequence: Sequence, hits: Hits, now: SimTime): number {
    const { known } = sequence;
    if (!this.cache.admit(sequence, hits, known, known)) return this.#noRoom(sequence, hits, known, now);
    const { blockSize } = this.#config;
    const tokens = known - hits.blocks * blockSize;
    this.#transfers.ask(sequence, this.#underWay?.end ?? now, hits.blocks, Math.ceil(known / blockSize), tokens);
    this.#loading.add(sequence);
    this.#metrics.counters.externalQueries += tokens;
    this.#metrics.counters.externalHits += tokens;
    this.barred = false;
    return ASIDE;
  }

  #converse({ request: { conversation } }: Sequence, change: 1 | -1): void {
    if (conversation === undefined) return;
    const count = (this.#conversations.get(conversation) ?? 0) + change;
    if (count > 0) this.#conversations.set(conversation, count);
    else this.#conversations.delete(conversation);
  }

  #forgetLoad(sequence: Sequence): void {
    if (sequence.load === undefined) return;
    sequence.load = undefined;
    this.#loading.delete(sequence);
    this.#loaded.delete(sequence);
  }

  #enter(sequence: Sequence, cached: number): void {
    this.#admissions += 1;
    sequence.rank = this.#admissions;
    sequence.state = "running";
    sequence.computed = cached;
    sequence.prefillEnd = sequence.known;
    this.#forgetLoad(sequence);
    if (sequence.preemptions === 0) sequence.cached = cached;
    this.#converse(sequence, 1);
  }

  /** Among those apart, or at once where it would be when all are scheduled (`#scheduleAll`). */
  #seat(sequence: Sequence): void {
    const coasts = this.#async && this.#coasts && !this.#scarce;
    if (coasts && this.apart.length === 0 && this.#canCoast(sequence)) this.coasters.join(sequence, sequence.foreseen);
    else this.apart.push(sequence);
  }

  #advance(sequence: Sequence, tokens: number): void {
    sequence.computed += tokens;
    this.cache.name(sequence, Math.min(sequence.computed, sequence.known));
  }

  /** vLLM counts each lookup, also of a request that then doesn't fit (D18), but none of a preempted one. */
  #countLookup(sequence: Sequence, hits: number, times: number): void {
    if (!this.#config.prefixCaching || sequence.preemptions > 0) return;
    this.#metrics.counters.prefixQueries += times * sequence.known;
    this.#metrics.counters.prefixHits += times * hits * this.#config.blockSize;
  }
}

/** Setting the length costs more where a few are dropped. */
const keepFirst = (list: unknown[], count: number): void => {
  while (list.length > count) list.pop();
};

// In place of tokens: V8 compares numbers at once, but looks up how to compare a number with a word.
const ASIDE = -1;
const NO_ROOM = -2;

const NO_HITS: Hits = { blocks: 0, free: 0 };

/** The reference simulator throws away the outputs of a preempted request (D2). */
const restart = (sequence: Sequence): void => {
  sequence.outputs = 0;
  sequence.known = sequence.request.promptTokens;
  sequence.firstToken = undefined;
  sequence.gapSum = 0;
};
