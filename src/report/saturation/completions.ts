/** Cells that latencies are kept in. */
const CELLS = 4096;

/**
 * Latencies in order of completion, in bounded memory, for means of any stretch of them. Up to 4096 completions each has a
 * cell of its own and means are exact; beyond, whenever all cells are full neighbours are put together, and a stretch that
 * begins or ends inside a cell takes its share of it as if all in it were the cell's mean: at most two cells of 2048 to 4096.
 * Whole microseconds, whose sums have no rounding: of equal latencies no stretch has a greater mean than another.
 */
export class Completions {
  /** By cell: the sum of all up to its end, microseconds. */
  readonly #until = new Float64Array(CELLS);
  #perCell = 1;
  #sum = 0;
  count = 0;

  observe(latencyMicros: number): void {
    if (this.count === CELLS * this.#perCell) this.#halve();
    this.#sum += latencyMicros;
    this.#until[Math.floor(this.count / this.#perCell)] = this.#sum;
    this.count += 1;
  }

  /** Whether every mean is exact. */
  get exact(): boolean {
    return this.#perCell === 1;
  }

  /** Mean of the completions number `from` to before `to`, in seconds; 0 of none. */
  meanSeconds(from: number, to: number): number {
    return to <= from ? 0 : (this.#before(to) - this.#before(from)) / (to - from) / 1e6;
  }

  /** The sum of all before completion number `to`. */
  #before(to: number): number {
    if (to === this.count) return this.#sum;
    const cell = Math.floor(to / this.#perCell);
    const first = cell * this.#perCell;
    const before = cell === 0 ? 0 : (this.#until[cell - 1] as number);
    const inCell = (this.#until[cell] as number) - before;
    return before + (inCell * (to - first)) / Math.min(this.#perCell, this.count - first);
  }

  #halve(): void {
    for (let i = 0; i < CELLS / 2; i += 1) this.#until[i] = this.#until[2 * i + 1] as number;
    this.#perCell *= 2;
  }
}
