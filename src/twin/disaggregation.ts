import { KvTransfers } from "../dataplane/kv-transfers.ts";
import type { Engine } from "../engine/engine.ts";
import type { Finished } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import type { Rng } from "../sim/rng.ts";
import { NEVER, type SimTime, START } from "../sim/time.ts";
import type { PathHost } from "./path-host.ts";
import type { Pod } from "./pod.ts";
import type { KvTransferScenario } from "./scenario.ts";

/** A request whose prompt one replica computes and whose tokens another makes. */
interface Leg {
  readonly request: Request;
  readonly prefill: string;
  readonly decode: string;
  /** Its prompt is being computed; its KV is there to be fetched; it is being fetched. */
  stage: "prefill" | "kept" | "moving";
  /** What was kept is gone with its replica. */
  lost: boolean;
  /** Of its transfer. */
  bytes: number;
  began: SimTime;
}

/** What became of the prefill leg: its tokens are made elsewhere from now on, or the request is over. */
export type AfterPrefill = {
  /** Of the leg, with the client's request. */
  readonly leg: Finished;
} & ({ readonly kind: "goes-on" } | { readonly kind: "over"; readonly facts: Finished });

/**
 * Prefill and decode in different replicas, as llm-d's sidecar and vLLM's NixlConnector have it: the prefill replica answers
 * one token, then the decode replica takes blocks for the prompt, fetches its KV, and makes all tokens. A prefill that fails
 * or whose replica is gone leaves the decode replica to compute the prompt itself.
 *
 * Source: llm-d-router (August 2026), pkg/sidecar/proxy/connector_nixlv2.go; vLLM 0.22, nixl_connector.py.
 */
export class Disaggregation {
  readonly #host: PathHost;
  readonly #scenario: KvTransferScenario;
  readonly #rng: Rng;
  readonly #transfers: KvTransfers;
  readonly #legs = new Map<number, Leg>();
  /** Transfers that will turn out to have failed. */
  readonly #doomed = new Set<number>();
  #generation = 0;
  #planned: SimTime = NEVER;

  constructor(scenario: KvTransferScenario, rng: Rng, host: PathHost) {
    this.#scenario = scenario;
    this.#rng = rng;
    this.#host = host;
    this.#transfers = new KvTransfers(scenario);
  }

  /** Sends the prompt to `prefill`; the tokens will be made by `decode`. */
  begin(request: Request, prefill: Pod, decode: Pod): void {
    this.#legs.set(request.id, { request, prefill: prefill.name, decode: decode.name, ...UNBEGUN });
    this.#host
      .engine(prefill)
      .submit({ ...request, outputTokens: 1, maxTokens: 1 }, this.#host.clock.now, { kv: "send" });
    this.#host.replan(prefill);
  }

  /** Whether what `pod` tells of a request is about its prompt alone. */
  isPrefill(id: number, pod: string): boolean {
    if (this.#legs.size === 0) return false;
    const leg = this.#legs.get(id);
    return leg?.stage === "prefill" && leg.prefill === pod;
  }

  /** Who makes its tokens. */
  decodeOf(id: number): string {
    const leg = this.#legs.get(id);
    invariant(leg !== undefined, `request ${id} has a prompt under way`);
    return leg.decode;
  }

  /** The prefill replica is done with a request. */
  prefilled(facts: Finished): AfterPrefill {
    const { now } = this.#host.clock;
    const leg = this.#legs.get(facts.request.id);
    invariant(leg?.stage === "prefill", "a prompt that was sent ends once");
    const { request } = leg;
    const decode = this.#host.pod(leg.decode);
    const done = facts.outcome === "length" || facts.outcome === "stop";
    if (decode?.engine === undefined || facts.outcome === "timed-out") {
      this.#legs.delete(request.id);
      if (done) this.#release(leg, now);
      const outcome = facts.outcome === "timed-out" ? "timed-out" : "aborted";
      const over = { ...facts, request, outcome, firstToken: undefined, outputTokens: 0 } as const;
      return { kind: "over", leg: { ...facts, request }, facts: over };
    }
    if (done) leg.stage = "kept";
    else this.#legs.delete(request.id);
    this.#host.engine(decode).submit(request, now, done ? { kv: "receive" } : {});
    this.#host.replan(decode);
    return { kind: "goes-on", leg: { ...facts, request } };
  }

  /** The decode replica has blocks for the prompt and fetches what it hasn't. */
  wanted(request: Request, at: SimTime, tokens: number, pod: Pod): void {
    const leg = this.#legs.get(request.id);
    invariant(leg?.stage === "kept", "what is asked for was kept");
    leg.stage = "moving";
    const { engine, kvBytesPerToken = 0 } = pod.workload;
    invariant(kvBytesPerToken > 0, `${pod.workload.name} says how large its KV cache is`);
    const bytes = Math.ceil(tokens / engine.blockSize) * engine.blockSize * kvBytesPerToken;
    this.#host.plan(at, { kind: "transfer-started", path: this.#host.path, request: request.id, bytes });
  }

  /** What `wanted` asked for begins. */
  start(id: number, bytes: number): void {
    const { now } = this.#host.clock;
    const leg = this.#legs.get(id);
    if (leg === undefined) return;
    if (leg.lost) return this.#failed(leg, now);
    if (this.#scenario.failureRatio > 0 && this.#rng.next() < this.#scenario.failureRatio) this.#doomed.add(id);
    leg.bytes = bytes;
    leg.began = now;
    this.#transfers.start({ id, from: leg.prefill, to: leg.decode, bytes }, now);
    this.#tell(leg, { event: "started" });
    this.#replan();
  }

  /** Transfers that flow or end now. */
  advance(generation: number): void {
    if (generation !== this.#generation) return;
    const { now } = this.#host.clock;
    this.#planned = NEVER;
    for (const { id } of this.#transfers.advance(now)) {
      const leg = this.#legs.get(id);
      invariant(leg !== undefined, "what is under way has a leg");
      if (this.#doomed.delete(id)) this.#failed(leg, now);
      else this.#arrived(leg, now);
    }
    this.#replan();
  }

  /** The decode replica is done with a request: what was kept for it and not fetched is let go. */
  ended(id: number): void {
    if (this.#legs.size === 0) return;
    const leg = this.#legs.get(id);
    // Blocks that are written to stay until the transfer ends.
    if (leg === undefined || leg.stage === "moving") return;
    this.#legs.delete(id);
    this.#release(leg, this.#host.clock.now);
  }

  /** A replica gives up all that it holds. */
  lost(pod: string): void {
    const { now } = this.#host.clock;
    for (const { id } of this.#transfers.lost(pod, now)) {
      const leg = this.#legs.get(id);
      if (leg !== undefined) this.#failed(leg, now);
    }
    for (const leg of [...this.#legs.values()]) {
      if (leg.prefill === pod) leg.lost = true;
      else if (leg.decode === pod && leg.stage === "kept") this.ended(leg.request.id);
    }
    this.#replan();
  }

  #tell(
    leg: Leg,
    event: { readonly event: "started" } | { readonly event: "ended" | "failed"; readonly seconds: number },
  ): void {
    const { request, prefill: from, decode: to, bytes } = leg;
    this.#host.tell({ kind: "transfer", at: this.#host.clock.now, request, from, to, bytes, ...event });
  }

  #arrived(leg: Leg, now: SimTime): void {
    this.#tell(leg, { event: "ended", seconds: (now - leg.began) / 1e6 });
    this.#legs.delete(leg.request.id);
    this.#told(leg.decode, (engine) => engine.kvArrived(leg.request.id, now));
    this.#release(leg, now);
  }

  #failed(leg: Leg, now: SimTime): void {
    if (leg.bytes > 0) this.#tell(leg, { event: "failed", seconds: (now - leg.began) / 1e6 });
    this.#legs.delete(leg.request.id);
    this.#doomed.delete(leg.request.id);
    this.#told(leg.decode, (engine) => engine.kvFailed(leg.request.id, now));
    this.#release(leg, now);
  }

  #release({ request, prefill }: Leg, now: SimTime): void {
    this.#told(prefill, (engine) => engine.kvSent(request.id, now));
  }

  /** Tells the engine of a pod, if it is still there. */
  #told(name: string, tell: (engine: Engine) => void): void {
    const pod = this.#host.pod(name);
    if (pod?.engine === undefined) return;
    tell(this.#host.engine(pod));
    this.#host.replan(pod);
  }

  #replan(): void {
    const { due } = this.#transfers;
    if (due === this.#planned) return;
    this.#planned = due;
    this.#generation += 1;
    this.#host.plan(due, { kind: "transfer-due", path: this.#host.path, generation: this.#generation });
  }
}

const UNBEGUN = { stage: "prefill", lost: false, bytes: 0, began: START } as const;
