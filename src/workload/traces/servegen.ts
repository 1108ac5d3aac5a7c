import type { EncoderItem, Request } from "../../model/request.ts";
import { gamma as gammaDraw } from "../../sim/draw.ts";
import type { Rng, Streams } from "../../sim/rng.ts";
import type { ArrivalProcess } from "../arrival.ts";
import { weibullGaps } from "../arrivals/weibull.ts";
import { InstantHeap } from "../instant-heap.ts";
import {
  countedAt,
  type Fault,
  type ServeGenData,
  type ServeGenWindow,
  servegenData,
  servegenWindows,
} from "../servegen-chunk.ts";
import { type Drawn, type PassedOver, TraceError, type WorkloadSource } from "../source.ts";
import { TarReader } from "../tar-reader.ts";
import { arrivalOf, noRequests, type TraceOptions, tooMany } from "../trace-reader.ts";
import { NONE_PASSED, passedAlso } from "../trace-rows.ts";

const CHUNK = /(?:^|\/)chunk-(\d+)-(trace\.csv|dataset\.json)$/;

/**
 * A pool of ServeGen (github.com/alibaba/ServeGen @f891d118; arXiv 2505.09999) as a tar archive of one `data/<category>/<model>`
 * folder. Each client's arrivals are, window by window, a renewal process of the recorded shape whose mean gap is 1 / rate;
 * its lengths come from the last dataset before the window. ServeGen itself draws ceil(rate x window) gaps and scales them to
 * fill the window; here the count is left to chance, and the process is in its stride when a window begins. Rates count as
 * requests per second. Clients or windows without a dataset make no requests, and are counted.
 */
export class ServeGenTrace implements WorkloadSource {
  readonly #options: TraceOptions;
  readonly #streams: Streams;
  readonly #tar = new TarReader();
  readonly #windows = new Map<number, readonly ServeGenWindow[]>();
  readonly #data = new Map<number, readonly ServeGenData[]>();
  #clients: InstantHeap<ChunkStream> | undefined;
  #lastFile = 0;
  #drawn = 0;
  #free = 0;
  #skipped = NONE_PASSED;
  #dropped = NONE_PASSED;

  constructor(options: TraceOptions, streams: Streams) {
    this.#options = options;
    this.#streams = streams;
  }

  get skipped(): PassedOver {
    return this.#skipped;
  }

  get dropped(): PassedOver {
    return this.#dropped;
  }

  /** An id that no request of the pool gets. */
  readonly freeId = (): number => {
    this.#free += 1;
    return this.#options.maxRequests + this.#free - 1;
  };

  feed(text: string | undefined): void {
    this.#tar.feed(text);
  }

  /** @throws TraceError if it is no archive, on a broken line, a pool without requests or with too many */
  next(): Drawn {
    while (this.#clients === undefined) {
      const entry = this.#tar.next();
      if (entry.kind === "starved") return entry;
      if (entry.kind === "broken") throw new TraceError(1, `${entry.why}; pack the pool's folder with tar`);
      if (entry.kind === "file") this.#file(entry.name, entry.text);
      else this.#clients = this.#open();
    }
    const { startOffsetMicros, rateScale, maxRequests } = this.#options;
    for (;;) {
      const stream = this.#clients.first;
      if (stream === undefined) {
        if (this.#drawn === 0) throw noRequests({ line: 1, skipped: this.#skipped }, undefined, this.#options);
        return { kind: "ended" };
      }
      const { at } = stream;
      const request = stream.take();
      if (stream.at === Number.POSITIVE_INFINITY) this.#clients.pop();
      else this.#clients.settle();
      if (at < startOffsetMicros) continue;
      if (this.#drawn >= maxRequests) throw tooMany(1, maxRequests);
      this.#drawn += 1;
      const arrival = arrivalOf(at - startOffsetMicros, rateScale);
      return { kind: "request", request: { id: this.#drawn - 1, arrival, ...request } };
    }
  }

  #file(name: string, text: string): void {
    this.#lastFile += 1;
    const [, id, kind] = CHUNK.exec(name) ?? [];
    if (id === undefined) return;
    const client = Number(id);
    const tell = ({ line, why }: Fault): void => {
      if (this.#options.onError === "Fail") throw new TraceError(line, `${name}: ${why}`);
      this.#skipped = passedAlso(this.#skipped, line, `${name}: ${why}`);
    };
    const known: ReadonlyMap<number, unknown> = kind === "trace.csv" ? this.#windows : this.#data;
    if (known.has(client)) return tell({ line: 1, why: "there is another file of that client; pack one pool" });
    if (kind === "trace.csv") this.#windows.set(client, servegenWindows(text, tell));
    else this.#data.set(client, servegenData(text, tell));
  }

  #open(): InstantHeap<ChunkStream> {
    if (this.#windows.size === 0) {
      const what = `${this.#lastFile} files, none of them named chunk-N-trace.csv`;
      throw new TraceError(1, `the archive holds ${what}; pack one data/<category>/<model> folder of ServeGen`);
    }
    const heap = new InstantHeap<ChunkStream>();
    for (const client of [...this.#windows.keys()].sort((a, b) => a - b)) {
      const data = this.#data.get(client) ?? [];
      const windows = (this.#windows.get(client) ?? []).filter(({ startMicros, endMicros }) => {
        if (endMicros <= this.#options.startOffsetMicros) return false;
        if (dataAt(data, startMicros) !== undefined) return true;
        const why = `chunk-${client} has no dataset for its window at ${startMicros / 1e6} s`;
        this.#dropped = passedAlso(this.#dropped, 1, why);
        return false;
      });
      const stream = new ChunkStream(client, windows, data, this.#streams);
      if (stream.at < Number.POSITIVE_INFINITY) heap.push(stream);
    }
    this.#windows.clear();
    this.#data.clear();
    return heap;
  }
}

/** The dataset of an instant: the last one that begins no later, if it tells how long prompts and outputs are. */
const dataAt = (data: readonly ServeGenData[], at: number): ServeGenData | undefined => {
  const found = data.findLast(({ fromMicros }) => fromMicros <= at);
  const has = (name: string): boolean => found?.fields.has(name) === true;
  return (has("input_tokens") || has("text_tokens")) && has("output_tokens") ? found : undefined;
};

const MEDIA = ["image", "audio", "video"] as const;

class ChunkStream {
  readonly rank: number;
  readonly #windows: readonly ServeGenWindow[];
  readonly #data: readonly ServeGenData[];
  readonly #arrivals: Rng;
  readonly #inputs: Rng;
  readonly #outputs: Rng;
  readonly #media: Rng;
  #window = 0;
  #process: ArrivalProcess | undefined;
  #fields: ServeGenData["fields"] = new Map();
  /** Not rounded. */
  #exact = 0;

  constructor(client: number, windows: readonly ServeGenWindow[], data: readonly ServeGenData[], streams: Streams) {
    const stream = (purpose: string): Rng => streams.stream(`workload/chunk-${client}/${purpose}`);
    this.rank = client;
    this.#windows = windows;
    this.#data = data;
    this.#arrivals = stream("arrivals");
    this.#inputs = stream("prompts");
    this.#outputs = stream("outputs");
    this.#media = stream("media");
    this.#advance();
  }

  /** Of its next request, in microseconds of the pool's time; infinite when there is none. */
  get at(): number {
    return this.#exact;
  }

  take(): Omit<Request, "id" | "arrival"> {
    const fields = this.#fields;
    const draw = (name: string, rng: Rng): number => {
      const counted = fields.get(name);
      return counted === undefined ? 0 : countedAt(counted, rng.next());
    };
    const items = this.#itemsOf((name) => draw(name, this.#media));
    const text = draw(fields.has("input_tokens") ? "input_tokens" : "text_tokens", this.#inputs);
    const request = {
      promptTokens: Math.max(1, text + items.reduce((sum, { tokens }) => sum + tokens, 0)),
      outputTokens: Math.max(1, draw("output_tokens", this.#outputs)),
      client: `chunk-${this.rank}`,
      ...(items.length === 0 ? {} : { encoderItems: items }),
    };
    this.#advance();
    return request;
  }

  #itemsOf(draw: (name: string) => number): readonly EncoderItem[] {
    const items: EncoderItem[] = [];
    let offset = 0;
    for (const kind of MEDIA) {
      for (let left = draw(`${kind}_count`); left > 0; left -= 1) {
        const tokens = draw(`${kind}_tokens`);
        if (tokens > 0) items.push({ offset, tokens });
        offset += tokens;
      }
    }
    return items;
  }

  /** Goes on to the next arrival; where a window has none left, to the next one. */
  #advance(): void {
    for (; this.#window < this.#windows.length; this.#window += 1) {
      const window = this.#windows[this.#window] as ServeGenWindow;
      const gap = 1e6 / window.rate;
      if (this.#process === undefined) {
        this.#process = processOf(window.gaps, this.#arrivals);
        this.#fields = (dataAt(this.#data, window.startMicros) as ServeGenData).fields;
        this.#exact = window.startMicros + this.#process.first() * gap;
      } else this.#exact += this.#process.gap() * gap;
      if (this.#exact < window.endMicros) return;
      this.#process = undefined;
    }
    this.#exact = Number.POSITIVE_INFINITY;
  }
}

const processOf = ({ process, shape }: ServeGenWindow["gaps"], rng: Rng): ArrivalProcess => {
  if (process === "Weibull") return weibullGaps(shape, rng);
  return {
    first: () => rng.next() * gammaDraw(rng, shape + 1, 1 / shape),
    gap: () => gammaDraw(rng, shape, 1 / shape),
  };
};
