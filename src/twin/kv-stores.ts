import type { Engine } from "../engine/engine.ts";
import { KvStore } from "../engine/kv-store.ts";
import type { KvTier } from "../engine/kv-tier.ts";
import { invariant } from "../sim/invariant.ts";
import { NEVER, type SimTime } from "../sim/time.ts";
import type { TwinEvent } from "./event.ts";
import type { Pod } from "./pod.ts";
import type { KvStoreScenario } from "./scenario.ts";

/** What stores need of the world they are in. */
export interface KvStoresHost {
  readonly now: SimTime;
  plan(at: SimTime, event: TwinEvent): void;
  /** Tells the engine of a pod, if it is still there. */
  told(pod: string, tell: (engine: Engine) => void): void;
}

interface Kept {
  readonly store: KvStore;
  generation: number;
  planned: SimTime;
}

/** Disks and caches below the replicas' host memory: one for all that name it, or one of each pod's own, gone with it. */
export class KvStores {
  readonly #scenarios: ReadonlyMap<string, KvStoreScenario>;
  readonly #host: KvStoresHost;
  readonly #kept = new Map<string, Kept>();
  #generations = 0;

  constructor(scenarios: readonly KvStoreScenario[], host: KvStoresHost) {
    this.#scenarios = new Map(scenarios.map((scenario) => [scenario.name, scenario]));
    this.#host = host;
  }

  /** What a pod's engine keeps KV in; undefined: nothing below host memory. */
  tierOf({ name, workload: { kvTier } }: Pod): KvTier | undefined {
    if (kvTier === undefined) return undefined;
    const scenario = this.#scenarios.get(kvTier.store);
    invariant(scenario !== undefined, `KV store ${kvTier.store} exists`);
    return this.#storeAt(placeOf(scenario, name), scenario).store.tierOf(name, kvTier.space, kvTier.chunkBytes);
  }

  /** Something of a store is due. */
  due(place: string, generation: number): void {
    const kept = this.#kept.get(place);
    if (kept === undefined || kept.generation !== generation) return;
    const { now } = this.#host;
    kept.planned = NEVER;
    for (const { replica, request } of kept.store.advance(now)) {
      this.#host.told(replica, (engine) => engine.kvArrived(request.id, now));
    }
    this.#replan(place);
  }

  /** A pod gives up all that it has under way. @param gone whether it takes along what is its own */
  lost({ name, workload: { kvTier } }: Pod, gone: boolean): void {
    const scenario = kvTier && this.#scenarios.get(kvTier.store);
    if (scenario === undefined) return;
    const place = placeOf(scenario, name);
    this.#kept.get(place)?.store.lost(name, this.#host.now);
    if (gone && !scenario.shared) this.#kept.delete(place);
  }

  #storeAt(place: string, scenario: KvStoreScenario): Kept {
    const found = this.#kept.get(place);
    if (found !== undefined) return found;
    const store = new KvStore(scenario, () => this.#replan(place));
    const kept: Kept = { store, generation: 0, planned: NEVER };
    this.#kept.set(place, kept);
    return kept;
  }

  #replan(place: string): void {
    const kept = this.#kept.get(place);
    if (kept === undefined) return;
    const { due } = kept.store;
    if (due === kept.planned) return;
    kept.planned = due;
    this.#generations += 1;
    kept.generation = this.#generations;
    this.#host.plan(due, { kind: "kv-store-due", place, generation: kept.generation });
  }
}

const placeOf = ({ name, shared }: KvStoreScenario, pod: string): string => (shared ? name : `${name} of ${pod}`);
