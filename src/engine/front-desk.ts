import type { Finished } from "../model/fact.ts";
import type { Outcome, Request } from "../model/request.ts";
import { Agenda } from "../sim/agenda.ts";
import { noObjects } from "../sim/objects.ts";
import { after, type Micros, NEVER, type SimTime } from "../sim/time.ts";
import { Arrivals } from "./arrivals.ts";
import type { EngineConfig, EngineListener, EngineTiming, SubmitOptions } from "./engine.ts";
import type { EngineMetrics } from "./engine-metrics.ts";
import { Sequence } from "./sequence.ts";

/** Those inside: all submitted so far, those still there, and the prompt tokens of those without a first token. */
export interface Inside {
  readonly submitted: number;
  readonly held: number;
  readonly unserved: number;
}

/** An end that was decided before its instant. */
interface Untold {
  readonly sequence: Sequence;
  readonly facts: Finished;
}

/**
 * The engine's door: whom it lets in, who is inside, whose client hangs up when, and what the clients are told.
 * Source: vllm/v1/engine/async_llm.py and output_processor.py (May 2026; bounds of the queue: v0.29).
 */
export class FrontDesk implements Inside {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #listener: EngineListener;
  readonly #blis: boolean;
  /** All inside, each at its `place`. */
  readonly #held: Sequence[] = noObjects();
  /** Requests on their way to the queue. */
  readonly #arriving = new Arrivals();
  readonly #deadlines: Agenda<Sequence>;
  /** Ends that were decided before their instant; `blis` mode only. */
  readonly #untold: Agenda<Untold>;
  // Asked for far more often than they change.
  #nextDeadline = NEVER;
  #nextTelling = NEVER;
  /** Prompt tokens of those inside without a first token. */
  unserved = 0;
  submitted = 0;

  constructor(config: EngineConfig, timing: EngineTiming, listener: EngineListener, start: SimTime) {
    this.#config = config;
    this.#timing = timing;
    this.#listener = listener;
    this.#blis = config.mode === "blis";
    this.#deadlines = new Agenda(start);
    this.#untold = new Agenda(start);
  }

  get held(): number {
    return this.#held.length;
  }

  /** In order of submission. */
  get sequences(): readonly Sequence[] {
    return [...this.#held].sort((a, b) => a.order - b.order);
  }

  /** When the next one gets to the queue whose client hasn't hung up. */
  get nextArrival(): SimTime {
    return this.#arriving.next;
  }

  /** When the next client hangs up that is still served. */
  get nextDeadline(): SimTime {
    return this.#nextDeadline;
  }

  get nextTelling(): SimTime {
    return this.#nextTelling;
  }

  /** Costs as much as there are inside: asked for only where a request is cut off. */
  find(requestId: number): Sequence | undefined {
    return this.#held.find(({ request }) => request.id === requestId);
  }

  /**
   * @param metrics count who is turned away @param among those inside, on all ranks
   * @returns the sequence; undefined if the request was refused
   */
  admit(
    request: Request,
    now: SimTime,
    metrics: EngineMetrics,
    kv: SubmitOptions["kv"],
    among: Inside = this,
  ): Sequence | undefined {
    const refusal = this.#refusal(request, now, metrics, among);
    if (refusal !== undefined) {
      this.#refuse(request, refusal, now);
      return undefined;
    }
    this.submitted = among.submitted + 1;
    const queued = after(now, this.#timing.toQueue(request.promptTokens));
    const sequence = new Sequence(request, this.submitted, now, queued, this.#config, kv);
    sequence.place = this.#held.length;
    this.#held.push(sequence);
    this.unserved += request.promptTokens;
    this.#arriving.add(sequence);
    if (request.deadline !== undefined) {
      this.#deadlines.at(request.deadline, 0, sequence);
      this.#passOverServed();
    }
    return sequence;
  }

  /** Takes the next one that has got to the queue by `at`. */
  popArrival(at: SimTime): Sequence | undefined {
    return this.#arriving.next > at ? undefined : this.#arriving.shift();
  }

  /** Takes the next one whose client has hung up by `at`. */
  popDeadline(at: SimTime): Sequence | undefined {
    if (this.#nextDeadline > at) return undefined;
    const next = this.#deadlines.pop();
    this.#passOverServed();
    return next;
  }

  /** Its first token is out. @returns what the client sees of it; undefined if it was told before */
  tellFirst(sequence: Sequence): SimTime | undefined {
    if (sequence.firstTold) return undefined;
    sequence.firstTold = true;
    this.unserved -= sequence.request.promptTokens;
    const seen = this.#firstSeen(sequence) as SimTime;
    this.#listener.firstToken(sequence.request, seen);
    return seen;
  }

  /** All its tokens are out, the last one at its `lastToken`, which may lie after `at` in `blis` mode. */
  finish(sequence: Sequence, at: SimTime): Finished {
    const facts = this.#factsOf(sequence, sequence.cut ? "length" : "stop", this.#lastSeen(sequence));
    if (sequence.lastToken > at) {
      this.#untold.at(sequence.lastToken, 0, { sequence, facts });
      this.#nextTelling = this.#untold.next;
    } else this.#tell(sequence, facts);
    return facts;
  }

  /** Its client hung up, or somebody else gave it up. */
  giveUp(sequence: Sequence, outcome: Outcome, now: SimTime): void {
    if (!sequence.firstTold) this.unserved -= sequence.request.promptTokens;
    this.#tell(sequence, this.#factsOf(sequence, outcome, now));
    this.#arriving.passOverGone();
  }

  /** Tells the ends whose instant has come. @returns whether there were any */
  tellUntil(at: SimTime): boolean {
    if (this.#nextTelling > at) return false;
    while (this.#nextTelling <= at) {
      const { sequence, facts } = this.#untold.pop() as Untold;
      this.#nextTelling = this.#untold.next;
      this.#tell(sequence, facts);
    }
    return true;
  }

  #passOverServed(): void {
    let { first } = this.#deadlines;
    for (; first !== undefined && first.place < 0; first = this.#deadlines.first) {
      this.#deadlines.drop();
    }
    this.#nextDeadline = this.#deadlines.next;
  }

  #refusal(
    request: Request,
    now: SimTime,
    { counters }: EngineMetrics,
    { held, unserved }: Inside,
  ): Outcome | undefined {
    if (!this.#serves(request)) return "rejected";
    const { maxQueuedRequests, maxQueuedTokens } = this.#config;
    if (!this.#blis && maxQueuedRequests !== undefined && held >= maxQueuedRequests) {
      counters.overloaded.max_num_queued_reqs += 1;
      return "overloaded";
    }
    if (!this.#blis && maxQueuedTokens !== undefined && unserved >= maxQueuedTokens) {
      counters.overloaded.max_num_queued_tokens += 1;
      return "overloaded";
    }
    if (request.deadline === undefined || request.deadline > now) return undefined;
    counters.success.abort += 1;
    return "timed-out";
  }

  /**
   * vLLM's front end answers HTTP 400 to a prompt without room for the outputs it asks for, or with an image that no
   * step could encode; BLIS also drops what the cache can't hold.
   */
  #serves({ promptTokens, maxTokens = 0, encoderItems }: Request): boolean {
    const { blockSize, maxModelLen, numGpuBlocks, maxNumBatchedTokens } = this.#config;
    if (promptTokens >= maxModelLen || promptTokens + maxTokens > maxModelLen) return false;
    if (this.#blis) return Math.ceil(promptTokens / blockSize) <= numGpuBlocks;
    if (encoderItems === undefined) return true;
    const { encoderBudget = maxNumBatchedTokens, encoderCacheTokens = maxNumBatchedTokens } = this.#config;
    return encoderItems.every(({ tokens }) => tokens <= Math.min(encoderBudget, encoderCacheTokens));
  }

  #refuse(request: Request, outcome: Outcome, now: SimTime): void {
    this.#listener.finished({
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
  }

  #tell(sequence: Sequence, facts: Finished): void {
    this.#letOut(sequence);
    if (this.#nextDeadline < NEVER) this.#passOverServed();
    this.#listener.finished(facts);
  }

  /** Whoever is last takes its place. */
  #letOut(sequence: Sequence): void {
    const { place } = sequence;
    const last = this.#held.pop() as Sequence;
    if (last !== sequence) {
      this.#held[place] = last;
      last.place = place;
    }
    sequence.place = -1;
  }

  #factsOf(sequence: Sequence, outcome: Outcome, end: SimTime): Finished {
    return new Served(sequence, outcome, this.#firstSeen(sequence), end);
  }

  /** The client's view adds the front end's share (design notes 7, last paragraph). */
  #firstSeen({ firstToken }: Sequence): SimTime | undefined {
    return firstToken === undefined ? undefined : after(firstToken, this.#timing.perToken);
  }

  /** BLIS sums the gaps, each with the front end's share, and so leaves out steps that passed a request over (D10). */
  #lastSeen(sequence: Sequence): SimTime {
    const { perToken, atFinish } = this.#timing;
    const last = this.#blis
      ? after(this.#firstSeen(sequence) as SimTime, sequence.gapSum as Micros)
      : after(sequence.lastToken, perToken);
    return after(last, atFinish);
  }
}

class Served implements Finished {
  readonly request: Request;
  readonly outcome: Outcome;
  // Doubles from the first: see `noInstants`.
  readonly queued: SimTime = NEVER;
  readonly scheduled: SimTime | undefined;
  readonly firstToken: SimTime | undefined;
  readonly end: SimTime = NEVER;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly preemptions: number;

  constructor(sequence: Sequence, outcome: Outcome, firstToken: SimTime | undefined, end: SimTime) {
    this.request = sequence.request;
    this.outcome = outcome;
    this.queued = Math.min(sequence.queued, end) as SimTime;
    this.scheduled = sequence.scheduled;
    this.firstToken = firstToken;
    this.end = Math.max(end, firstToken ?? end) as SimTime;
    this.outputTokens = sequence.outputs;
    this.cachedTokens = sequence.cached;
    this.preemptions = sequence.preemptions;
  }
}
