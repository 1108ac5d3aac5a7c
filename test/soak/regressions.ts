import type { SimulationObject } from "./fleet.ts";

/** Looks at statuses as they come by, for what must never be: going back behind what was said before. */
export class Regressions {
  readonly found: string[] = [];
  readonly #last = new Map<string, SimulationObject>();

  look(objects: readonly SimulationObject[]): void {
    for (const object of objects) {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      const before = this.#last.get(key);
      this.#last.set(key, object);
      if (before?.status === undefined) continue;
      this.#compare(key, before, object);
    }
  }

  #compare(
    key: string,
    { status: before = {}, metadata: old }: SimulationObject,
    { status = {} }: SimulationObject,
  ): void {
    if ((status.observedGeneration ?? 0) < (before.observedGeneration ?? 0)) {
      this.found.push(
        `${key}: observedGeneration went from ${before.observedGeneration} to ${status.observedGeneration}`,
      );
    }
    if ((status.runs?.length ?? 0) < (before.runs?.length ?? 0)) this.found.push(`${key}: lost its results`);
    // The same inputs give the same bytes, whoever computes them.
    const [was, is] = [before.runs?.[0]?.digest, status.runs?.[0]?.digest];
    const sameInput = before.inputDigest !== undefined && before.inputDigest === status.inputDigest;
    if (sameInput && old.generation > 0 && was !== is) this.found.push(`${key}: other results for the same inputs`);
    if (sameInput && before.phase === "Succeeded" && status.phase === "Mirroring")
      this.found.push(`${key}: finished, and then not any more`);
  }
}
