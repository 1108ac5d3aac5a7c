import type { Fact, Finished } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import { LineFile } from "./line-file.ts";

/** One line: what a request went through. `null`: it never came to that. Times are whole microseconds since the start. */
export interface RequestLine {
  readonly id: number;
  readonly arrivalUs: number;
  readonly firstTokenUs: number | null;
  readonly endUs: number | null;
  readonly promptTokens: number;
  readonly outputTokens: number | null;
  readonly cachedTokens: number | null;
  readonly preemptions: number | null;
  readonly replica: string | null;
  readonly outcome: string | null;
}

interface Open {
  readonly request: Request;
  firstToken: SimTime | null;
  replica: string | null;
}

/**
 * Writes every request of a run as one line of JSON, as it ends; those in flight at the end come last, by id. Hears the
 * world's facts. Holds the requests in flight and a chunk of text.
 */
export class RequestLog {
  readonly #file: LineFile;
  readonly #open = new Map<number, Open>();

  /** @throws UnwritableFileError if the file can't be written */
  constructor(path: string) {
    this.#file = new LineFile(path);
  }

  readonly tell = (fact: Fact): void => {
    switch (fact.kind) {
      case "arrived":
        this.#open.set(fact.request.id, { request: fact.request, firstToken: null, replica: null });
        return;
      case "first-token": {
        const open = this.#open.get(fact.request.id);
        if (open === undefined) return;
        open.firstToken = fact.at;
        open.replica = fact.pod;
        return;
      }
      case "finished":
        return this.#write(finishedLine(fact.facts, fact.pod));
      case "gate":
        if (fact.event === "shed" || fact.event === "expired")
          this.#write(turnedAwayLine(fact.request, fact.at, fact.event));
        return;
      case "refused":
        return this.#write(turnedAwayLine(fact.request, fact.at, fact.outcome));
      case "routed":
      case "prefilled":
      case "transfer":
      case "pod":
      case "rollout":
      case "node":
      case "binding":
      case "preempted":
      case "create-refused":
      case "scaled":
      case "synced":
        return;
      default:
        return fact satisfies never;
    }
  };

  /** Writes what is left. */
  end(): void {
    const left = [...this.#open.values()].sort((a, b) => a.request.id - b.request.id);
    for (const { request, firstToken, replica } of left) this.#write(openLine(request, firstToken, replica));
    this.#file.end();
  }

  /** Takes back what was written. */
  discard(): void {
    this.#file.discard();
  }

  #write(line: RequestLine): void {
    this.#open.delete(line.id);
    this.#file.write(textOf(line));
  }
}

/** As JSON.stringify has it, several times as fast. */
const textOf = (line: RequestLine): string =>
  `{"id":${line.id},"arrivalUs":${line.arrivalUs},"firstTokenUs":${line.firstTokenUs},"endUs":${line.endUs},` +
  `"promptTokens":${line.promptTokens},"outputTokens":${line.outputTokens},"cachedTokens":${line.cachedTokens},` +
  `"preemptions":${line.preemptions},"replica":${quoted(line.replica)},"outcome":${quoted(line.outcome)}}\n`;

/** Names of pods and outcomes need no escapes. */
const quoted = (text: string | null): string => (text === null ? "null" : `"${text}"`);

const finishedLine = (facts: Finished, pod: string): RequestLine => ({
  id: facts.request.id,
  arrivalUs: facts.request.arrival,
  firstTokenUs: facts.firstToken ?? null,
  endUs: facts.end,
  promptTokens: facts.request.promptTokens,
  outputTokens: facts.outputTokens,
  cachedTokens: facts.cachedTokens,
  preemptions: facts.preemptions,
  replica: pod,
  outcome: facts.outcome,
});

const turnedAwayLine = (request: Request, at: SimTime, outcome: string): RequestLine => ({
  ...openLine(request, null, null),
  endUs: at,
  outputTokens: 0,
  outcome,
});

const openLine = (request: Request, firstToken: SimTime | null, replica: string | null): RequestLine => ({
  id: request.id,
  arrivalUs: request.arrival,
  firstTokenUs: firstToken,
  endUs: null,
  promptTokens: request.promptTokens,
  outputTokens: null,
  cachedTokens: null,
  preemptions: null,
  replica,
  outcome: null,
});
