import { durationOf } from "../model/duration.ts";
import type { Request, SharedPrefix } from "../model/request.ts";
import { logNormal } from "../sim/draw.ts";
import { invariant } from "../sim/invariant.ts";
import type { Rng, Streams } from "../sim/rng.ts";
import { instant, type Micros, micros, type SimTime } from "../sim/time.ts";
import type { ArrivalProcess } from "./arrival.ts";
import { type ArrivalSaid, arrivals } from "./arrivals/index.ts";
import type { LengthDistribution } from "./length.ts";
import { type LengthSaid, lengths } from "./lengths/index.ts";
import { type ContextGrowth, deadlineOf, type Round } from "./live-sessions.ts";
import type { RateCurve } from "./rate-curve.ts";

export interface ClientSaid {
  readonly name: string;
  /** Requests (or sessions) per second where the curve's factor is 1. */
  readonly rate: number;
  readonly arrival: ArrivalSaid;
  readonly prompt: LengthSaid;
  readonly output: LengthSaid;
  readonly prefix?: { readonly tokens: number; readonly groups: number } | undefined;
  readonly session?: SessionSaid | undefined;
  /** A duration. */
  readonly timeout?: string | undefined;
  readonly sloClass?: string | undefined;
}

export interface SessionSaid {
  readonly rounds: number;
  /** Durations. */
  readonly thinkTime: { readonly mean: string; readonly deviation: string };
  readonly contextGrowth: "accumulate" | "none";
}

/** A request that waits for no other, and the rounds that follow it. */
export interface Taken {
  readonly request: Request;
  readonly growth: ContextGrowth;
  readonly rounds: readonly Round[];
}

/**
 * The requests of one client, in order. Each purpose draws from a stream of its own, so that changing how long prompts
 * are leaves arrivals and outputs as they were. All rounds of a session are drawn when it begins, so that they don't depend
 * on how long its requests take.
 */
export class ClientStream {
  readonly #said: ClientSaid;
  readonly #curve: RateCurve;
  readonly #arrivals: ArrivalProcess;
  readonly #prompts: LengthDistribution;
  readonly #outputs: LengthDistribution;
  readonly #prefixes: Rng;
  readonly #thinkTimes: Rng;
  readonly #patienceMicros: Micros | undefined;
  #sessions = 0;
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
    this.#thinkTimes = stream("think-times");
    this.#patienceMicros = said.timeout === undefined ? undefined : durationOf(said.timeout);
    this.#exact = this.#after(0, this.#arrivals.first());
  }

  /** When its next request arrives; undefined when there will be none. */
  get next(): SimTime | undefined {
    return this.#exact === undefined ? undefined : instant(Math.round(this.#exact));
  }

  /** Takes that request, and the rounds after it. */
  take(id: number): Taken {
    const arrival = this.next;
    invariant(this.#exact !== undefined && arrival !== undefined, "asked only while there is a next request");
    this.#exact = this.#after(this.#exact, this.#arrivals.gap());
    const { prefix, sloClass, session } = this.#said;
    const request: Request = {
      id,
      arrival,
      promptTokens: this.#prompts.draw() + (prefix?.tokens ?? 0),
      outputTokens: this.#outputs.draw(),
      ...(prefix === undefined ? {} : { prefix: this.#sharedPrefix(prefix) }),
      ...(sloClass === undefined ? {} : { sloClass }),
      ...(session === undefined ? {} : this.#nextSession(session)),
      ...deadlineOf(arrival, this.#patienceMicros),
    };
    if (session === undefined) return { request, growth: "none", rounds: [] };
    return { request, growth: session.contextGrowth, rounds: this.#rounds(session) };
  }

  #nextSession({ contextGrowth }: SessionSaid): Pick<Request, "session" | "conversation"> {
    const session = `${this.#said.name}/${this.#sessions}`;
    this.#sessions += 1;
    return contextGrowth === "none" ? { session } : { session, conversation: session };
  }

  #rounds({ rounds, thinkTime, contextGrowth }: SessionSaid): readonly Round[] {
    const repeated = contextGrowth === "none" ? (this.#said.prefix?.tokens ?? 0) : 0;
    return Array.from({ length: rounds - 1 }, () => ({
      promptTokens: this.#prompts.draw() + repeated,
      outputTokens: this.#outputs.draw(),
      thinkMicros: this.#think(thinkTime),
      ...(this.#patienceMicros === undefined ? {} : { patienceMicros: this.#patienceMicros }),
    }));
  }

  #think(said: SessionSaid["thinkTime"]): Micros {
    const [mean, deviation] = [durationOf(said.mean), durationOf(said.deviation)];
    if (deviation === 0 || mean === 0) return mean;
    const variance = Math.log1p((deviation / mean) ** 2);
    const drawn = logNormal(this.#thinkTimes, Math.log(mean) - variance / 2, Math.sqrt(variance));
    return micros(Math.min(Number.MAX_SAFE_INTEGER, Math.round(drawn)));
  }

  #sharedPrefix({ tokens, groups }: NonNullable<ClientSaid["prefix"]>): SharedPrefix {
    return { kind: "group", key: `${this.#said.name}/${this.#prefixes.below(groups)}`, tokens };
  }

  #after(from: number, gaps: number): number | undefined {
    const at = this.#curve.reach(from, (gaps * 1e6) / this.#said.rate);
    return at === undefined || at > Number.MAX_SAFE_INTEGER ? undefined : at;
  }
}
