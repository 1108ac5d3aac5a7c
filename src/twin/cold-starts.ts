import { ImagePulls } from "../controlplane/nodes/index.ts";
import { drawSpread } from "../controlplane/pods/index.ts";
import { invariant } from "../sim/invariant.ts";
import { ProcessorSharing } from "../sim/processor-sharing.ts";
import { after, micros, NEVER, type SimTime, START } from "../sim/time.ts";
import type { PlacedUnit } from "./placed-unit.ts";
import type { PlacementHost } from "./placement-host.ts";

interface Storage {
  readonly link: ProcessorSharing<string>;
  generation: number;
}

/**
 * From a node to weights on its GPUs: sandbox and volumes, the image (one at a time per node, kept there), then the weights
 * at the loader's own speed, or slower where the storage is shared with others that load.
 */
export class ColdStarts {
  readonly #host: PlacementHost;
  readonly #unit: (name: string) => PlacedUnit | undefined;
  readonly #started: (unit: PlacedUnit) => void;
  readonly #loaded: (unit: PlacedUnit) => void;
  readonly #pulls = new Map<string, ImagePulls>();
  readonly #storages = new Map<string, Storage>();

  constructor(
    host: PlacementHost,
    unit: (name: string) => PlacedUnit | undefined,
    { started, loaded }: Readonly<Record<"started" | "loaded", (unit: PlacedUnit) => void>>,
  ) {
    this.#host = host;
    this.#unit = unit;
    this.#started = started;
    this.#loaded = loaded;
  }

  /** It has its node. */
  begin(unit: PlacedUnit): void {
    const { name, lengths, replica } = unit;
    const there = after(this.#host.now, lengths.imagePull);
    this.#later(there, { kind: "sandboxed", unit: name, attempt: replica.attempt });
  }

  /** It has run there since before the world began. */
  keep(unit: PlacedUnit): void {
    unit.started = this.#host.now;
    unit.loaded = true;
    this.#pullsOf(unit).keep(unit.replica.said.image);
  }

  sandboxed(unit: PlacedUnit): void {
    const { image, imagePullSeconds } = unit.replica.said;
    const { now, faults, streams } = this.#host;
    const usual = drawSpread(imagePullSeconds, streams.stream(`${unit.replica.pod.streamName(unit.name)}/pull`));
    const length = micros(Math.round(usual * faults.imagePullFactor(now)));
    const pulls = this.#pullsOf(unit);
    const before = pulls.due;
    if (pulls.ask({ pod: unit.name, image, length }, now)) return this.start(unit);
    if (before === NEVER) this.#later(pulls.due, { kind: "pull-due", node: nodeOf(unit) });
  }

  pullDue(node: string): void {
    const pulls = this.#pulls.get(node);
    if (pulls === undefined) return;
    const there = pulls.advance(this.#host.now);
    this.#later(pulls.due, { kind: "pull-due", node });
    for (const name of there) {
      const unit = this.#unit(name);
      if (unit?.node?.name === node) this.start(unit);
    }
  }

  /** Its container starts, and loads. */
  start(unit: PlacedUnit): void {
    const { now } = this.#host;
    unit.started = now;
    this.#started(unit);
    const { lengths } = unit;
    const { said, pod } = unit.replica;
    const mean = pod.workload.start.modelLoadSeconds.mean;
    if (mean === 0 || lengths.modelLoad === 0 || said.weightBytes === 0) return this.#done(unit);
    // What is drawn for a load alone on its storage; the share of the storage decides from here on.
    const most = said.weightBytes / mean;
    const storage = this.#storageOf(unit);
    storage.link.start(unit.name, (most * lengths.modelLoad) / 1e6, most, now);
    this.#replan(storageName(unit), storage);
  }

  loadDue(name: string, generation: number): void {
    const storage = this.#storages.get(name);
    if (storage === undefined || storage.generation !== generation) return;
    const loaded = storage.link.advance(this.#host.now);
    this.#replan(name, storage);
    for (const one of loaded) {
      const unit = this.#unit(one);
      if (unit !== undefined) this.#done(unit);
    }
  }

  /** It doesn't start any more, or starts anew. */
  stop(unit: PlacedUnit): void {
    unit.started = undefined;
    unit.loaded = false;
    if (unit.node === undefined) return;
    this.#pulls.get(unit.node.name)?.drop(unit.name);
    const name = storageName(unit);
    const storage = this.#storages.get(name);
    if (storage === undefined) return;
    storage.link.cancel(unit.name, this.#host.now);
    this.#replan(name, storage);
  }

  /** A node is gone, with its images. */
  forget(node: string): void {
    this.#pulls.delete(node);
  }

  #done(unit: PlacedUnit): void {
    unit.loaded = true;
    this.#loaded(unit);
  }

  #pullsOf(unit: PlacedUnit): ImagePulls {
    const node = nodeOf(unit);
    const pulls = this.#pulls.get(node) ?? new ImagePulls();
    this.#pulls.set(node, pulls);
    return pulls;
  }

  #storageOf(unit: PlacedUnit): Storage {
    const name = storageName(unit);
    const { bytesPerSecond = Number.POSITIVE_INFINITY } = unit.replica.said.storage;
    const storage = this.#storages.get(name) ?? { link: new ProcessorSharing(bytesPerSecond, START), generation: 0 };
    this.#storages.set(name, storage);
    return storage;
  }

  #replan(name: string, storage: Storage): void {
    storage.generation += 1;
    this.#later(storage.link.due, { kind: "load-due", storage: name, generation: storage.generation });
  }

  #later(at: SimTime, event: Parameters<PlacementHost["later"]>[1]): void {
    this.#host.later(at, event);
  }
}

const nodeOf = ({ name, node }: PlacedUnit): string => {
  invariant(node !== undefined, `${name} has a node`);
  return node.name;
};

const storageName = (unit: PlacedUnit): string => {
  const { name, perNode } = unit.replica.said.storage;
  return perNode ? `${nodeOf(unit)}/${name}` : name;
};
