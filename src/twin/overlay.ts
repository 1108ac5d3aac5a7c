import { objectText } from "../model/object-text.ts";
import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";

/** The objects of a cluster, with others in their places or beside them. */
export class Overlay implements ObservedCluster {
  readonly #below: ObservedCluster;
  readonly #put = new Map<string, Manifest>();

  constructor(below: ObservedCluster) {
    this.#below = below;
  }

  /** What stands in another's place, or beside them; not what an overlay below holds. */
  get own(): readonly Manifest[] {
    return [...this.#put.values()];
  }

  put(manifest: Manifest): void {
    this.#put.set(objectText(refOf(manifest)), manifest);
  }

  /** Whether it stands in another's place, or beside them. */
  holds(ref: ManifestRef): boolean {
    return this.#put.has(objectText(ref)) || (this.#below instanceof Overlay && this.#below.holds(ref));
  }

  get(kind: string, namespace: string, name: string): Manifest | undefined {
    return this.#put.get(objectText({ kind, namespace, name })) ?? this.#below.get(kind, namespace, name);
  }

  list(kind: string, namespace?: string): readonly Manifest[] {
    const below = this.#below.list(kind, namespace);
    const there = new Set(below.map((manifest) => objectText(refOf(manifest))));
    const added = [...this.#put.entries()].filter(
      ([text, manifest]) =>
        !there.has(text) &&
        manifest.kind === kind &&
        (namespace === undefined || refOf(manifest).namespace === namespace),
    );
    const all = [
      ...below.map((manifest) => this.#put.get(objectText(refOf(manifest))) ?? manifest),
      ...added.map(([, manifest]) => manifest),
    ];
    return added.length === 0 ? all : all.sort(byName);
  }
}

const byName = (a: Manifest, b: Manifest): number =>
  objectText(refOf(a)) < objectText(refOf(b)) ? -1 : objectText(refOf(a)) > objectText(refOf(b)) ? 1 : 0;
