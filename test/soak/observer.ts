import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/store/kubernetes/connection.ts";
import type { ControlPlane } from "../env/control-plane.ts";
import type { SimulationObject } from "./fleet.ts";
import { Regressions } from "./regressions.ts";

const PATH = "/apis/servetwin.dev/v1alpha1/inferencesimulations";
/** A watch that says nothing for so long is opened anew. */
const SILENT_SECONDS = 120;

/**
 * Hears every change of every simulation from the API server itself, and keeps what it heard last. Listing 500 of them again and again
 * would take more of the API server than what is measured.
 */
export class Observer {
  readonly regressions = new Regressions();
  readonly #objects = new Map<string, SimulationObject>();
  readonly #connection;
  readonly #end = new AbortController();
  readonly #following: Promise<void>;

  constructor(plane: ControlPlane) {
    this.#connection = connect({ kubeconfig: plane.kubeconfigPath() });
    this.#following = this.#follow(this.#end.signal);
  }

  /** As they were heard of last. */
  get objects(): readonly SimulationObject[] {
    return [...this.#objects.values()];
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#following;
    await this.#connection.close();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // The API server is away, or the watch has come to its end: listed anew.
      await this.#watch(signal).catch(() => undefined);
      await sleep(200);
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const list = (await this.#connection.ask({ method: "GET", path: PATH, signal })) as List;
    this.#objects.clear();
    for (const object of list.items) this.#heard(object);
    const { resourceVersion } = list.metadata;
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion };
    for await (const line of this.#connection.lines({ method: "GET", path: PATH, query, signal }, SILENT_SECONDS)) {
      if (line === "") continue;
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === "ERROR") return;
      if (type === "DELETED") this.#objects.delete(keyOf(object));
      else if (type !== "BOOKMARK") this.#heard(object);
    }
  }

  #heard(object: SimulationObject): void {
    this.#objects.set(keyOf(object), object);
    this.regressions.look([object]);
  }
}

const keyOf = ({ metadata }: SimulationObject): string => `${metadata.namespace}/${metadata.name}`;

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly SimulationObject[];
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: SimulationObject;
}
