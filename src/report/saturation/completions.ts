/** Cells that latencies are kept in. */
const CELLS = 4096;

/**
 * Latencies in order of completion, in bounded memory, for means of any stretch of them. Up to 4096 completions each has a
 * cell of its own and means are exact; beyond, whenever all cells are full neighbours are put together, and a stretch that
 * begins or ends inside a cell takes its share of it as if all in it were the cell's mean: at most two cells of 2048 to 4096.
 */
export class Completions {
  readonly #sums = new Float64Array(CELLS);
  #perCell = 1;
  count = 0;

  observe(latency: number): void {
    if (this.count === CELLS * this.#perCell) this.#halve();
    const cell = Math.floor(this.count / this.#perCell);
    this.#sums[cell] = (this.#sums[cell] as number) + latency;
    this.count += 1;
  }

  /** Whether every mean is exact. */
  get exact(): boolean {
    return this.#perCell === 1;
  }

  /** Mean of the completions number `from` to before `to`; 0 of none. */
  mean(from: number, to: number): number {
    if (to <= from) return 0;
    const [first, last] = [Math.floor(from / this.#perCell), Math.floor(to / this.#perCell)];
    let sum = this.#part(last, to) - this.#part(first, from);
    for (let i = first; i < last; i += 1) sum += this.#sums[i] as number;
    return sum / (to - from);
  }

  /** The share of a cell that lies before completion number `to`. */
  #part(cell: number, to: number): number {
    const before = cell * this.#perCell;
    if (to === before) return 0;
    return ((this.#sums[cell] as number) * (to - before)) / Math.min(this.#perCell, this.count - before);
  }

  #halve(): void {
    for (let i = 0; i < CELLS; i += 1) {
      const pair = (this.#sums[2 * i] ?? 0) + (this.#sums[2 * i + 1] ?? 0);
      this.#sums[i] = i < CELLS / 2 ? pair : 0;
    }
    this.#perCell *= 2;
  }
}
