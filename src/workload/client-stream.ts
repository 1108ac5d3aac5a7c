import type { Request, SharedPrefix } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import type { Rng, Streams } from "../sim/rng.ts";
import { instant, type SimTime } from "../sim/time.ts";
import type { ArrivalProcess } from "./arrival.ts";
import { type ArrivalSaid, arrivals } from "./arrivals/index.ts";
import type { LengthDistribution } from "./length.ts";
import { type LengthSaid, lengths } from "./lengths/index.ts";
import type { RateCurve } from "./rate-curve.ts";

export interface ClientSaid {
  readonly name: string;
  /** Requests per second where the curve's factor is 1. */
  readonly rate: number;
  readonly arrival: ArrivalSaid;
  readonly prompt: LengthSaid;
  readonly output: LengthSaid;
  readonly prefix?: { readonly tokens: number; readonly groups: number } | undefined;
  readonly sloClass?: string | undefined;
}

/**
 * The requests of one client, in order. Each purpose draws from a stream of its own, so that changing how long prompts
 * are leaves arrivals and outputs as they were.
 */
export class ClientStream {
  readonly #said: ClientSaid;
  readonly #curve: RateCurve;
  readonly #arrivals: ArrivalProcess;
  readonly #prompts: LengthDistribution;
  readonly #outputs: LengthDistribution;
  readonly #prefixes: Rng;
  /** Not rounded: rounding every gap would bend the rate where gaps are a few microseconds. */
  #exact: number | undefined;

  constructor(said: ClientSaid, curve: RateCurve, streams: Streams) {
    const stream = (purpose: string): Rng => streams.stream(`workload/${said.name}/${purpose}`);
    this.#said = said;
    this.#curve = curve;
    this.#arrivals = arrivals.create(said.arrival, { rng: stream("arrivals") });
    this.#prompts = lengths.create(said.prompt, { rng: stream("prompts") });
    this.#outputs = lengths.create(said.output, { rng: stream("outputs") });
    this.#prefixes = stream("prefixes");
    this.#exact = this.#after(0, this.#arrivals.first());
  }

  /** When its next request arrives; undefined when there will be none. */
  get next(): SimTime | undefined {
    return this.#exact === undefined ? undefined : instant(Math.round(this.#exact));
  }

  /** Takes that request. */
  take(id: number): Request {
    const arrival = this.next;
    invariant(this.#exact !== undefined && arrival !== undefined, "asked only while there is a next request");
    this.#exact = this.#after(this.#exact, this.#arrivals.gap());
    const { prefix, sloClass } = this.#said;
    return {
      id,
      arrival,
      promptTokens: this.#prompts.draw() + (prefix?.tokens ?? 0),
      outputTokens: this.#outputs.draw(),
      ...(prefix === undefined ? {} : { prefix: this.#sharedPrefix(prefix) }),
      ...(sloClass === undefined ? {} : { sloClass }),
    };
  }

  #sharedPrefix({ tokens, groups }: NonNullable<ClientSaid["prefix"]>): SharedPrefix {
    return { kind: "group", key: `${this.#said.name}/${this.#prefixes.below(groups)}`, tokens };
  }

  #after(from: number, gaps: number): number | undefined {
    const at = this.#curve.reach(from, (gaps * 1e6) / this.#said.rate);
    return at === undefined || at > Number.MAX_SAFE_INTEGER ? undefined : at;
  }
}
