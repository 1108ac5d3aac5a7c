/**
 * Positions of endpoints of which something else may be believed than before, in order. Readers remember how many changes
 * they have read; one that is more than `kept` behind looks at all endpoints anew.
 */
export class Changes {
  readonly #positions = new Int32Array(KEPT);
  /** All changes so far. */
  count = 0;

  /** Changes that can still be read. */
  get kept(): number {
    return KEPT;
  }

  note(position: number): void {
    this.#positions[this.count & (KEPT - 1)] = position;
    this.count += 1;
  }

  /** Endpoints came, went or moved. */
  noteAll(): void {
    this.count += KEPT + 1;
  }

  /** @param change one of the last `kept` */
  at(change: number): number {
    return this.#positions[change & (KEPT - 1)] as number;
  }
}

/** A power of two; several times as many changes as come between two decisions over hundreds of endpoints. */
const KEPT = 1024;
