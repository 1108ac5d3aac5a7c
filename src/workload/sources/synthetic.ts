import type { Request } from "../../model/request.ts";
import type { Rng, Streams } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import { ClientStream } from "../client-stream.ts";
import { DrawnAhead } from "../drawn-ahead.ts";
import { InstantHeap } from "../instant-heap.ts";
import { type EndedRequest, LiveSessions, NOTHING } from "../live-sessions.ts";
import { RateCurve } from "../rate-curve.ts";
import { RetryingSource } from "../retrying-source.ts";
import { shapes } from "../shapes/index.ts";
import type { Drawn, WorkloadSource } from "../source.ts";
import type { ClientSaid, SyntheticWorkload } from "../synthetic-workload.ts";

export { type ClientSaid, type SyntheticWorkload, syntheticWorkload } from "../synthetic-workload.ts";

/**
 * Merges the clients' requests by time; at one instant, in the order of the clients. Ends when every client's rate has
 * gone to 0 for good, or time to what microseconds can hold. Holds what its sessions under way have still to do, requests
 * on their way from slow clients and retries under way, no more.
 */
export const syntheticSource = (said: SyntheticWorkload, streams: Streams): WorkloadSource => {
  const source = new SyntheticSource(said, streams);
  const retrying = said.clients.filter(({ retry }) => retry !== undefined);
  if (retrying.length === 0) return said.clients.every(isOpenLoop) ? new DrawnAhead(source) : source;
  const policies = new Map<string, { said: NonNullable<ClientSaid["retry"]>; rng: Rng }>();
  for (const { name, retry } of retrying) {
    if (retry !== undefined) policies.set(name, { said: retry, rng: streams.stream(`workload/${name}/retries`) });
  }
  return new RetryingSource(source, ({ client = "" }) => policies.get(client), source.freeId);
};

/** Whether no request of its waits for another. */
const isOpenLoop = ({ session, workers }: ClientSaid): boolean => session === undefined && workers === undefined;

interface Sending {
  at: number;
  readonly rank: number;
  readonly stream: ClientStream;
  readonly budget: Budget;
}

/** Requests that a client may still send. */
interface Budget {
  left: number;
}

class SyntheticSource implements WorkloadSource {
  readonly #clients = new InstantHeap<Sending>();
  /** Drawn, but on their way: a later request of another client may arrive first. */
  readonly #underWay = new InstantHeap<{ readonly at: number; readonly rank: number; readonly request: Request }>();
  readonly #live: LiveSessions;
  readonly #all: Budget;
  /** Of clients that may not send for ever. */
  readonly #budgets = new Map<string, Budget>();
  #ids = 0;

  constructor(said: SyntheticWorkload, streams: Streams) {
    this.#live = new LiveSessions(this.freeId);
    this.#all = { left: said.requests ?? Number.POSITIVE_INFINITY };
    let rank = 0;
    for (const client of said.clients) {
      const budget = { left: client.requests ?? Number.POSITIVE_INFINITY };
      if (client.requests !== undefined) this.#budgets.set(client.name, budget);
      const curve = curveOf(said, client);
      const of = client.workers?.count ?? client.members ?? 1;
      for (let index = 0; index < of; index += 1) {
        const stream = new ClientStream(client, { index, of }, curve, streams);
        if (stream.next !== undefined) this.#clients.push({ at: stream.next, rank, stream, budget });
        rank += 1;
      }
    }
  }

  readonly freeId = (): number => {
    this.#ids += 1;
    return this.#ids - 1;
  };

  next(): Drawn {
    for (;;) {
      const sending = this.#clients.first;
      const arriving = this.#underWay.first;
      if (arriving !== undefined && (sending === undefined || arriving.at <= sending.at)) {
        this.#underWay.pop();
        return { kind: "request", request: arriving.request };
      }
      if (sending === undefined || this.#all.left === 0) return { kind: "ended" };
      if (sending.budget.left === 0) {
        this.#clients.pop();
        continue;
      }
      const request = this.#take(sending);
      if (request.arrival === sending.at) {
        this.#advance(sending);
        return { kind: "request", request };
      }
      this.#underWay.push({ at: request.arrival, rank: sending.rank, request });
      this.#advance(sending);
    }
  }

  ended(ended: EndedRequest, now: SimTime): readonly Request[] {
    const budget = this.#budgets.get(ended.request.client ?? "");
    if (this.#all.left === 0 || budget?.left === 0) {
      this.#live.forget(ended.request);
      return NOTHING;
    }
    const following = this.#live.ended(ended, now);
    if (following.length === 0) return NOTHING;
    this.#all.left -= 1;
    if (budget !== undefined) budget.left -= 1;
    return following;
  }

  #take({ stream, budget }: Sending): Request {
    budget.left -= 1;
    this.#all.left -= 1;
    return stream.take(this.freeId(), this.#live);
  }

  /** The client that is first has sent: it comes again at its next instant, if there is one. */
  #advance(sending: Sending): void {
    const { next } = sending.stream;
    if (next === undefined) {
      this.#clients.pop();
      return;
    }
    sending.at = next;
    this.#clients.settle();
  }
}

/**
 * @returns requests per second that the expected rate never exceeds; see `RateCurve.peak` for when it is reached. Workers
 * have no rate: they are as many requests at a time
 */
export const peakRate = (said: SyntheticWorkload): number => {
  const rated = ratedOf(said);
  const starts = [...new Set([0, ...rated.flatMap(({ curve }) => curve.breaks)])].sort((a, b) => a - b);
  let most = 0;
  for (const [i, from] of starts.entries()) {
    const to = starts[i + 1] ?? Number.POSITIVE_INFINITY;
    let sum = 0;
    for (const { rate, curve } of rated) sum += rate * curve.peakOver(from, to);
    most = Math.max(most, sum);
  }
  return most;
};

/** @returns expected requests over the first `horizonMicros`, per second; of sessions every round, as if none came later */
export const meanRate = (said: SyntheticWorkload, horizonMicros: number): number =>
  ratedOf(said).reduce((sum, { rate, curve }) => sum + rate * curve.area(0, horizonMicros), 0) / horizonMicros;

/** Rates of those that have one, and how they change; clients of one course are taken together. */
const ratedOf = (said: SyntheticWorkload): readonly { rate: number; curve: RateCurve }[] => {
  const rated = new Map<string, { rate: number; curve: RateCurve }>();
  for (const client of said.clients) {
    if (client.rate === undefined) continue;
    const course = JSON.stringify(client.pattern ?? []);
    const rate = client.rate * (client.session?.rounds ?? 1);
    const known = rated.get(course);
    if (known === undefined) rated.set(course, { rate, curve: curveOf(said, client) });
    else known.rate += rate;
  }
  return [...rated.values()];
};

const curveOf = (said: SyntheticWorkload, client: Pick<ClientSaid, "pattern">): RateCurve =>
  new RateCurve([...said.pattern, ...(client.pattern ?? [])].map((one) => shapes.create(one, {})));
