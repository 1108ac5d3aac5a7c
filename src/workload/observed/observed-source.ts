import type { Request } from "../../model/request.ts";
import type { Rng, Streams } from "../../sim/rng.ts";
import { instant } from "../../sim/time.ts";
import type { Drawn, WorkloadSource } from "../source.ts";
import { LengthTable } from "./length-table.ts";
import type { LengthHistogram, ObservedClass, ObservedStep } from "./observed-step.ts";
import { countOf, pooled } from "./pooled-lengths.ts";

export interface ObservedSaid {
  /** In order, one after the other, from 0 on. Left out: they are fed, as lines of JSON. */
  readonly steps?: readonly ObservedStep[];
  readonly stepMicros: number;
  /** Whether the steps begin anew after the last one; only where they are given. */
  readonly repeated: boolean;
  /** Factor on the requests. */
  readonly rateScale: number;
  /** Class at the gateway of requests with a priority there. Left out: the simulated gateway knows none. */
  readonly sloClasses?: Readonly<Record<string, string>>;
}

/** Lengths of a step are drawn from it and those before it until so many were counted, or so many steps were looked at. */
const ENOUGH_LENGTHS = 200;
const MOST_STEPS = 40;
/** Hits come in whole blocks: half a block of vLLM's default size makes up for what is cut off. */
const HALF_BLOCK = 8;

/**
 * Requests as production's metrics tell them: in each step as many as arrived in it, by class, at instants drawn evenly
 * over it (a Poisson process, given its count); prompts and outputs drawn each from its histogram, independent of each
 * other, since metrics don't say which belong together; and a prefix common to all of a class, so long that the share of
 * prompt tokens found in the cache is production's. Requests of which no length was ever told are left out.
 */
export class ObservedSource implements WorkloadSource {
  readonly #said: ObservedSaid;
  readonly #streams: Streams;
  readonly #classes = new Map<string, ClassStream>();
  readonly #steps: ObservedStep[];
  readonly #ready: Request[] = [];
  #next = 0;
  #round = 0;
  #ids = 0;
  #over: boolean;
  #text = "";
  #withoutLengths = 0;

  constructor(said: ObservedSaid, streams: Streams) {
    this.#said = said;
    this.#streams = streams;
    this.#steps = [...(said.steps ?? [])];
    this.#over = said.steps !== undefined;
  }

  get dropped() {
    const why = "no lengths of requests were known yet";
    return { lines: this.#withoutLengths, firstLine: 0, why };
  }

  next(): Drawn {
    for (;;) {
      const request = this.#ready.pop();
      if (request !== undefined) return { kind: "request", request };
      const step = this.#steps[this.#next];
      if (step === undefined) {
        if (!this.#over) return { kind: "starved" };
        // A window without a request would repeat itself for ever.
        if (!this.#said.repeated || this.#ids === 0) return { kind: "ended" };
        this.#next = 0;
        this.#round += 1;
        continue;
      }
      this.#draw(step);
      this.#next += 1;
      if (!this.#over) this.#forget();
    }
  }

  feed(text: string | undefined): void {
    if (text === undefined) {
      this.#over = true;
      return;
    }
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) if (line !== "") this.#steps.push(JSON.parse(line) as ObservedStep);
  }

  /** Steps that are too old to tell anything of the next one's lengths. */
  #forget(): void {
    const old = this.#next - MOST_STEPS;
    if (old < MOST_STEPS) return;
    this.#steps.splice(0, old);
    this.#next -= old;
  }

  /** The step's requests, the last one first. */
  #draw(step: ObservedStep): void {
    const { stepMicros } = this.#said;
    const whole = this.#over ? this.#steps.length * stepMicros : 0;
    const from = step.fromMicros + this.#round * whole;
    const requests: Omit<Request, "id">[] = [];
    for (const observed of step.classes) {
      if (observed.requests <= 0) continue;
      const stream = this.#classOf(observed);
      const count = stream.count(observed.requests * this.#said.rateScale);
      if (count === 0) continue;
      const lengths = this.#lengthsOf(observed);
      if (lengths === undefined) {
        this.#withoutLengths += count;
        continue;
      }
      for (let i = 0; i < count; i += 1) requests.push(stream.request(from, stepMicros, lengths));
    }
    requests.sort((a, b) => a.arrival - b.arrival);
    for (const request of requests) {
      this.#ready.push({ ...request, id: this.#ids } as Request);
      this.#ids += 1;
    }
    this.#ready.reverse();
  }

  #classOf(observed: ObservedClass): ClassStream {
    const known = this.#classes.get(observed.name);
    if (known !== undefined) return known;
    const sloClass = this.#said.sloClasses?.[String(observed.priority)];
    const made = new ClassStream(observed, sloClass, this.#streams);
    this.#classes.set(observed.name, made);
    return made;
  }

  #lengthsOf(observed: ObservedClass): Lengths | undefined {
    const prompts = this.#pool(observed, ({ prompts: own }) => own);
    const outputs = this.#pool(observed, ({ outputs: own }) => own);
    if (prompts === undefined || outputs === undefined) return undefined;
    return { prompts: new LengthTable(prompts), outputs: new LengthTable(outputs), share: this.#hitShare(observed) };
  }

  /** Of the class itself; where it has none, of its model, then of all: an engine's histograms know no gateway's classes. */
  #pool(
    { name, model }: ObservedClass,
    read: (one: ObservedClass) => LengthHistogram | undefined,
  ): LengthHistogram | undefined {
    for (const belongs of [
      (one: ObservedClass) => one.name === name,
      (one: ObservedClass) => one.model === model,
      () => true,
    ]) {
      const found = this.#near((step) => pooled(step.classes.filter(belongs).flatMap((one) => read(one) ?? [])));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** From the step on backwards until there is enough; if there is nothing, the first that comes after it. */
  #near(read: (step: ObservedStep) => LengthHistogram | undefined): LengthHistogram | undefined {
    const found: LengthHistogram[] = [];
    let count = 0;
    for (let i = this.#next; i >= 0 && i > this.#next - MOST_STEPS && count < ENOUGH_LENGTHS; i -= 1) {
      const one = read(this.#steps[i] as ObservedStep);
      if (one === undefined) continue;
      found.push(one);
      count += countOf(one);
    }
    for (let i = this.#next + 1; found.length === 0 && i < this.#steps.length; i += 1) {
      const one = read(this.#steps[i] as ObservedStep);
      if (one !== undefined) found.push(one);
    }
    return pooled(found);
  }

  /** Share of prompt tokens that the prefix cache had, over the steps that lengths are drawn from. */
  #hitShare({ model }: ObservedClass): number {
    let [queried, found] = [0, 0];
    for (let i = this.#next; i >= 0 && i > this.#next - MOST_STEPS; i -= 1) {
      for (const one of (this.#steps[i] as ObservedStep).classes) {
        if (one.prefix === undefined || (model !== undefined && one.model !== undefined && one.model !== model))
          continue;
        queried += one.prefix.queried;
        found += one.prefix.found;
      }
    }
    return queried > 0 ? found / queried : 0;
  }
}

interface Lengths {
  readonly prompts: LengthTable;
  readonly outputs: LengthTable;
  readonly share: number;
}

/** One class, with random streams of its own for each purpose. */
class ClassStream {
  readonly #name: string;
  readonly #labels: Partial<Request>;
  readonly #instants: Rng;
  readonly #prompts: Rng;
  readonly #outputs: Rng;
  #owed = 0;

  constructor({ name, model }: ObservedClass, sloClass: string | undefined, streams: Streams) {
    this.#name = name;
    const stream = (purpose: string): Rng => streams.stream(`workload/observed/${name}/${purpose}`);
    this.#instants = stream("instants");
    this.#prompts = stream("prompts");
    this.#outputs = stream("outputs");
    this.#labels = {
      client: name,
      ...(model === undefined ? {} : { model }),
      ...(sloClass === undefined ? {} : { sloClass }),
    };
  }

  /** Whole requests; what is left over comes with the next step's. */
  count(requests: number): number {
    this.#owed += requests;
    // What was spread over steps adds up to whole requests but for rounding.
    const whole = Math.floor(this.#owed + 1e-6);
    this.#owed -= whole;
    return whole;
  }

  request(from: number, length: number, { prompts, outputs, share }: Lengths): Omit<Request, "id"> {
    const promptTokens = prompts.at(this.#prompts.next());
    const outputTokens = outputs.at(this.#outputs.next());
    const tokens = share > 0 ? Math.min(promptTokens, Math.round(share * promptTokens) + HALF_BLOCK) : 0;
    return {
      arrival: instant(Math.floor(from + this.#instants.next() * length)),
      promptTokens,
      outputTokens,
      ...(tokens > 0 ? { prefix: { kind: "group", key: `observed/${this.#name}`, tokens } } : {}),
      ...this.#labels,
    };
  }
}
