/** Changes that can still be read: a power of two, several times as many as come between two decisions over hundreds of endpoints. */
export const KEPT = 1024;

/** What is believed of an endpoint as a number that scores may follow from. */
export type Signal = "waiting" | "running" | "kvUsage" | "inFlight";

/** By signal, of which endpoints another number is believed than before. */
export type Changes = { readonly [Of in Signal]: ChangeLog };

/**
 * Positions of endpoints that have changed, in order. Readers remember how many changes they have read; one that is more
 * than `KEPT` behind looks at all endpoints anew.
 */
export class ChangeLog {
  readonly #positions = new Int32Array(KEPT);
  /** All changes so far. */
  count = 0;

  note(position: number): void {
    this.#positions[this.count & (KEPT - 1)] = position;
    this.count += 1;
  }

  /** Endpoints came, went or moved. */
  noteAll(): void {
    this.count += KEPT + 1;
  }

  /** @param change one of the last `KEPT` */
  at(change: number): number {
    return this.#positions[change & (KEPT - 1)] as number;
  }
}

export const noChanges = (): Changes => ({
  waiting: new ChangeLog(),
  running: new ChangeLog(),
  kvUsage: new ChangeLog(),
  inFlight: new ChangeLog(),
});

/** Endpoints came, went or moved. */
export const noteAll = ({ waiting, running, kvUsage, inFlight }: Changes): void => {
  for (const log of [waiting, running, kvUsage, inFlight]) log.noteAll();
};
