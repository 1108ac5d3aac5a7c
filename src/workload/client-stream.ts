import { receivedAt } from "../model/client-view.ts";
import { durationOf } from "../model/duration.ts";
import type { Mutable } from "../model/mutable.ts";
import type { ClientPath, EncoderItem, Request, SharedPrefix } from "../model/request.ts";
import { logNormal } from "../sim/draw.ts";
import { invariant } from "../sim/invariant.ts";
import type { Rng, Streams } from "../sim/rng.ts";
import { instant, type Micros, micros, type SimTime } from "../sim/time.ts";
import type { ArrivalProcess } from "./arrival.ts";
import { arrivals } from "./arrivals/index.ts";
import { DrawnRequest } from "./drawn-request.ts";
import type { LengthDistribution } from "./length.ts";
import { lengths } from "./lengths/index.ts";
import { deadlineOf, type LiveSessions, type Round, type Rounds, roundsOf } from "./live-sessions.ts";
import type { RateCurve } from "./rate-curve.ts";
import type { ClientSaid } from "./synthetic-workload.ts";

/** Which of a client's members or workers it is, from 0 on. */
export interface Member {
  readonly index: number;
  readonly of: number;
}

/** A worker whose request failed pauses for so long at least: it would else ask again at the same instant for ever. */
const WORKER_PAUSE_MICROS = micros(1_000_000);

type SessionSaid = NonNullable<ClientSaid["session"]>;

const MOST_GROUPS_KEPT = 10_000;

interface MediaKind {
  readonly said: NonNullable<ClientSaid["media"]>[number];
  readonly rng: Rng;
  readonly counts: LengthDistribution;
  readonly tokens: LengthDistribution;
}

/**
 * The requests of one client, or of one of its members, in order of being sent. Each purpose draws from a stream of its
 * own, so that changing how long prompts are leaves arrivals and outputs as they were. All rounds of a session are drawn when
 * it begins, so that they don't depend on how long its requests take; a worker draws from its own streams as it goes on.
 */
export class ClientStream {
  readonly said: ClientSaid;
  /** Its client's, with the member's number where there are several. */
  readonly #name: string;
  readonly #member: number;
  readonly #ratePerSecond: number;
  readonly #curve: RateCurve;
  readonly #arrivals: ArrivalProcess | undefined;
  readonly #prompts: LengthDistribution;
  readonly #outputs: LengthDistribution;
  readonly #prefixes: Rng;
  readonly #thinkTimes: Rng;
  readonly #media: readonly MediaKind[];
  readonly #patienceMicros: Micros | undefined;
  readonly #path: Omit<ClientPath, "sent"> | undefined;
  /** What all of its requests have in common beside their client; undefined: nothing. */
  readonly #labels: Partial<Request> | undefined;
  #sessions = 0;
  /** Prefixes of the groups drawn so far. */
  readonly #groups = new Map<number, SharedPrefix>();
  /** Not rounded: rounding every gap would bend the rate where gaps are a few microseconds. */
  #exact: number | undefined;

  constructor(said: ClientSaid, member: Member, curve: RateCurve, streams: Streams) {
    const { name, rate = 0, workers, members = 1, media = [] } = said;
    this.said = said;
    this.#member = member.index;
    this.#name = members > 1 || workers !== undefined ? `${name}-${member.index}` : name;
    this.#ratePerSecond = rate / members;
    this.#curve = curve;
    const stream = (purpose: string): Rng => streams.stream(`workload/${this.#name}/${purpose}`);
    this.#prompts = lengths.create(said.prompt, { rng: stream("prompts") });
    this.#outputs = lengths.create(said.output, { rng: stream("outputs") });
    this.#prefixes = stream("prefixes");
    this.#thinkTimes = stream("think-times");
    this.#media = media.map((kind, i) => ({
      said: kind,
      rng: stream(`media/${i}`),
      counts: lengths.create(kind.count, { rng: stream(`media/${i}/counts`) }),
      tokens: lengths.create(kind.tokens, { rng: stream(`media/${i}/tokens`) }),
    }));
    this.#patienceMicros = said.timeout === undefined ? undefined : durationOf(said.timeout);
    this.#path = pathOf(said);
    const labels = labelsOf(said);
    this.#labels = Object.keys(labels).length === 0 ? undefined : labels;
    if (workers === undefined) {
      this.#arrivals = arrivals.create(said.arrival, { rng: stream("arrivals"), ratePerSecond: this.#ratePerSecond });
      this.#exact = this.#after(0, this.#arrivals.first());
    } else {
      this.#arrivals = undefined;
      this.#exact = (member.index * durationOf(workers.thinkTime)) / member.of;
    }
  }

  /** The earliest instant at which its next request may arrive; undefined when there will be none. */
  get next(): number | undefined {
    return this.#exact === undefined ? undefined : Math.round(this.#exact) + (this.#path?.halfTripMicros ?? 0);
  }

  /** Takes that request, and begins the rounds after it. */
  take(id: number, live: Pick<LiveSessions, "begin">): Request {
    invariant(this.#exact !== undefined, "asked only while there is a next request");
    const sent = instant(Math.round(this.#exact));
    const { prefix, session, workers } = this.said;
    const more = workers === undefined && session?.single !== true && this.#arrivals !== undefined;
    this.#exact = more ? this.#after(this.#exact, (this.#arrivals as ArrivalProcess).gap()) : undefined;
    const encoderItems = this.#drawMedia(prefix?.tokens ?? 0);
    const promptTokens = this.#prompts.draw() + (prefix?.tokens ?? 0) + tokensOf(encoderItems);
    const outputTokens = this.#outputs.draw();
    const path = this.#path === undefined ? undefined : { ...this.#path, sent };
    const arrival = path === undefined ? sent : (receivedAt(path, sent, promptTokens) as SimTime);
    // Field by field: most requests have few of them, and there are millions.
    const request: Mutable<Request> = new DrawnRequest(id, arrival, promptTokens, outputTokens);
    request.client = this.said.name;
    if (this.#labels !== undefined) Object.assign(request, this.#labels);
    if (this.said.capOutput === true) request.maxTokens = outputTokens;
    if (prefix !== undefined) request.prefix = this.#sharedPrefix(prefix);
    if (encoderItems.length > 0) request.encoderItems = encoderItems;
    if (session !== undefined) Object.assign(request, this.#nextSession(session));
    if (path !== undefined) request.path = path;
    if (this.#patienceMicros !== undefined) {
      Object.assign(request, deadlineOf(sent, this.#patienceMicros, sent + (path?.halfTripMicros ?? 0)));
    }
    if (workers !== undefined) live.begin(request, "none", this.#work(durationOf(workers.thinkTime)));
    else if (session !== undefined) live.begin(request, session.contextGrowth, roundsOf(this.#rounds(session)));
    return request;
  }

  #nextSession({ contextGrowth }: SessionSaid): Pick<Request, "session" | "conversation"> {
    const session = `${this.#name}/${this.#sessions}`;
    this.#sessions += 1;
    return contextGrowth === "none" ? { session } : { session, conversation: session };
  }

  #rounds({ rounds, thinkTime, contextGrowth }: SessionSaid): readonly Round[] {
    return Array.from({ length: rounds - 1 }, () =>
      this.#round(contextGrowth === "none", this.#think(thinkTime.mean, thinkTime.deviation)),
    );
  }

  /** A worker's requests after its first, for ever. */
  #work(thinkMicros: Micros): Rounds {
    return { next: () => this.#round(true, thinkMicros), pauseMicros: WORKER_PAUSE_MICROS };
  }

  /** @param afresh with prefix and media of its own, in place of a context that goes on */
  #round(afresh: boolean, thinkMicros: Micros): Round {
    const prefix = afresh ? this.said.prefix : undefined;
    const encoderItems = afresh ? this.#drawMedia(prefix?.tokens ?? 0) : [];
    const isWorker = this.said.workers !== undefined;
    return {
      promptTokens: this.#prompts.draw() + (prefix?.tokens ?? 0) + tokensOf(encoderItems),
      outputTokens: this.#outputs.draw(),
      thinkMicros,
      ...(isWorker && prefix !== undefined ? { prefix: this.#sharedPrefix(prefix) } : {}),
      ...(afresh && this.#media.length > 0 ? { encoderItems } : {}),
      ...(this.#patienceMicros === undefined ? {} : { patienceMicros: this.#patienceMicros }),
    };
  }

  #think(meanText: string, deviationText: string): Micros {
    const [mean, deviation] = [durationOf(meanText), durationOf(deviationText)];
    if (deviation === 0 || mean === 0) return mean;
    const variance = Math.log1p((deviation / mean) ** 2);
    const drawn = logNormal(this.#thinkTimes, Math.log(mean) - variance / 2, Math.sqrt(variance));
    return micros(Math.min(Number.MAX_SAFE_INTEGER, Math.round(drawn)));
  }

  #sharedPrefix({ tokens, groups, name, perMember = false }: NonNullable<ClientSaid["prefix"]>): SharedPrefix {
    const group = this.#prefixes.below(groups);
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const owner = name ?? this.said.name;
    const whose = perMember ? `${owner}-${this.#member}` : owner;
    const prefix: SharedPrefix = { kind: "group", key: `${whose}/${group}`, tokens };
    // Of very many few are drawn twice.
    if (groups <= MOST_GROUPS_KEPT) this.#groups.set(group, prefix);
    return prefix;
  }

  /** @param offset where the first one stands in the prompt */
  #drawMedia(offset: number): readonly EncoderItem[] {
    if (this.#media.length === 0) return NO_ITEMS;
    const items: EncoderItem[] = [];
    let at = offset;
    for (const { said, rng, counts, tokens } of this.#media) {
      if (said.share < 1 && rng.next() >= said.share) continue;
      for (let left = counts.draw(); left > 0; left -= 1) {
        const which = said.distinct === undefined ? undefined : rng.below(said.distinct);
        const length = tokens.draw();
        items.push({
          offset: at,
          tokens: length,
          ...(which === undefined ? {} : { id: `${this.said.name}/${said.kind}/${which}/${length}` }),
        });
        at += length;
      }
    }
    return items;
  }

  #after(from: number, gaps: number): number | undefined {
    const at = this.#curve.reach(from, (gaps * 1e6) / this.#ratePerSecond);
    return at === undefined || at > Number.MAX_SAFE_INTEGER ? undefined : at;
  }
}

const NO_ITEMS: readonly EncoderItem[] = [];

const tokensOf = (items: readonly EncoderItem[]): number => {
  let sum = 0;
  for (const { tokens } of items) sum += tokens;
  return sum;
};

/** 4 bytes per token, as BLIS has it (`sim/workload/network.go` @f90a1e3a). */
const TOKEN_BITS = 32;

const pathOf = ({ network }: ClientSaid): Omit<ClientPath, "sent"> | undefined => {
  if (network === undefined) return undefined;
  const { rtt, bandwidthMbps } = network;
  return {
    halfTripMicros: Math.round(durationOf(rtt) / 2),
    tokenMicros: bandwidthMbps === undefined ? 0 : TOKEN_BITS / bandwidthMbps,
  };
};

const labelsOf = (said: ClientSaid): Partial<Request> => {
  const { tenant, sloClass, slo, model, adapter, priority, cacheSalt } = said;
  return {
    ...(tenant === undefined ? {} : { tenant }),
    ...(sloClass === undefined ? {} : { sloClass }),
    ...(slo?.ttft === undefined ? {} : { sloTtft: durationOf(slo.ttft) }),
    ...(slo?.tpot === undefined ? {} : { sloTpot: durationOf(slo.tpot) }),
    ...(model === undefined ? {} : { model }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(priority === undefined || priority === 0 ? {} : { priority }),
    ...(cacheSalt === undefined ? {} : { cacheSalt }),
  };
};
