import type { GatewayView } from "../report/world-view.ts";
import { invariant } from "../sim/invariant.ts";
import type { Rng, Streams } from "../sim/rng.ts";
import type { SimTime } from "../sim/time.ts";
import { Disaggregation } from "./disaggregation.ts";
import type { PathHost } from "./path-host.ts";
import type { Pod } from "./pod.ts";
import { RequestPath } from "./request-path.ts";
import type { GatewayScenario } from "./scenario.ts";

/**
 * The request paths of one model: one through each endpoint picker at work. Pickers share nothing: each scrapes by itself,
 * and counts, indexes and queues what it was sent. Requests are spread over them as Envoy's `LEAST_REQUEST` does: of two
 * drawn by chance (perhaps the same), the one with fewer streams open; a picker's stream lasts as long as its request.
 *
 * Sources: llm-d-router@ebab6879, cluster `ext_proc` of config/charts/llm-d-router-standalone/values.yaml and "Scaling
 * Modes" of docs/operations.md; Envoy 1.33, LeastRequestLoadBalancer with its default of two choices.
 */
export class PickerPaths {
  readonly all: readonly RequestPath[];
  readonly #first: RequestPath;
  /** The same, where there is no other: then it is whose every request is. */
  readonly #only: RequestPath | undefined;
  readonly #rng: Rng;
  /** Whose a request is, until it is over; not kept where there is one picker. */
  readonly #owners = new Map<number, RequestPath>();
  readonly #open: Map<RequestPath, number>;

  /** @param hostOf the host of the path through each of the pickers, from 0 */
  constructor(scenario: GatewayScenario, streams: Streams, hostOf: (picker: number) => PathHost) {
    const { pickers = 1, kvTransfer } = scenario;
    const hosts = Array.from({ length: pickers }, (_, picker) => hostOf(picker));
    const [firstHost] = hosts;
    invariant(firstHost !== undefined, "a model is routed by a picker");
    const apart = kvTransfer && new Disaggregation(kvTransfer, streams.stream("gateway/kv-transfer"), firstHost);
    this.all = hosts.map((host, picker) => new RequestPath(scenario, streamsOf(streams, picker), host, picker, apart));
    this.#first = this.all[0] as RequestPath;
    this.#only = pickers === 1 ? this.#first : undefined;
    this.#rng = streams.stream("gateway/pickers");
    this.#open = new Map(this.all.map((path) => [path, 0]));
  }

  /** Through whom a new request goes, until it is over. */
  enter(id: number): RequestPath {
    return this.#only ?? this.#draw(id);
  }

  #draw(id: number): RequestPath {
    const [one, other] = [this.#any(), this.#any()];
    const path = this.#openAt(other) < this.#openAt(one) ? other : one;
    this.#owners.set(id, path);
    this.#open.set(path, this.#openAt(path) + 1);
    return path;
  }

  /** Whose a request under way is. */
  of(id: number): RequestPath {
    return this.#only ?? this.#ownerOf(id);
  }

  #ownerOf(id: number): RequestPath {
    const path = this.#owners.get(id);
    invariant(path !== undefined, "a request under way came through a picker");
    return path;
  }

  /** A request is over, whatever its outcome. */
  over(id: number): void {
    if (this.#only === undefined) this.#close(id);
  }

  #close(id: number): void {
    const path = this.#ownerOf(id);
    this.#owners.delete(id);
    this.#open.set(path, this.#openAt(path) - 1);
  }

  /** What each picker's own metrics show; none of a gateway that has none. */
  views(at: SimTime): readonly GatewayView[] {
    return this.all.flatMap((path) => path.view(at) ?? []);
  }

  /** What is done otherwise than it was said. */
  get notes(): readonly string[] {
    return this.#first.notes;
  }

  // ---- pods, which all pickers know

  join(pod: Pod): void {
    for (const path of this.all) path.join(pod);
  }

  leave(pod: Pod): void {
    for (const path of this.all) path.leave(pod);
  }

  /** Its engine gives up all that it runs and holds, whoever sent it. */
  lost(pod: Pod): void {
    this.#first.lost(pod);
  }

  /** An engine that was looked at doesn't show earlier states any more, so what pickers scraped of it comes first. */
  beforeLook(pod: Pod, at: SimTime): void {
    if (this.#only !== undefined) return this.#only.beforeLook(pod, at);
    if (this.#first.readsSignals && pod.ready) this.look(pod, at);
  }

  /** All pickers read their last scrape of a pod before `before`, in order of time. */
  look(pod: Pod, before: SimTime): void {
    const due: { readonly path: RequestPath; readonly at: SimTime }[] = [];
    for (const path of this.all) {
      const at = path.unread(pod, before);
      if (at !== undefined) due.push({ path, at });
    }
    if (due.length > 1) due.sort((a, b) => a.at - b.at);
    for (const { path } of due) path.read(pod, before);
  }

  /** Whether anybody goes by what engines publish of their caches. */
  get hearsKv(): boolean {
    return this.#first.hearsKv;
  }

  /** Every picker subscribes to an engine's events by itself. */
  kvCached(pod: Pod, kind: "stored" | "removed", strand: number, from: number, to: number): void {
    for (const path of this.all) path.kvCached(pod, kind, strand, from, to);
  }

  #any(): RequestPath {
    return this.all[this.#rng.below(this.all.length)] as RequestPath;
  }

  #openAt(path: RequestPath): number {
    return this.#open.get(path) as number;
  }
}

/** The first picker draws from streams of the plain names, as one alone does. */
const streamsOf = (streams: Streams, picker: number): Streams =>
  picker === 0 ? streams : { stream: (name) => streams.stream(`${name}/picker-${picker}`) };
