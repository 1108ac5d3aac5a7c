import { ById } from "../sim/by-id.ts";

/**
 * Requests that a scheduler placed: where, and the tokens that they still count for there. Rows of numbers, for an object of
 * each would live until its request ends, and the collector would carry it along.
 */
export class Flights<Endpoint> {
  readonly #rows = new ById<number>();
  /** Rows of those who have ended. */
  readonly #free: number[] = [];
  /** By row: who makes the tokens, and who computes the prompt until the first of them, if somebody else does. */
  readonly endpoints: Endpoint[] = [];
  readonly prefills: (Endpoint | undefined)[] = [];
  tokens = new Float64Array(64);
  prefillTokens = new Float64Array(64);

  /** @returns whether it wasn't there before */
  begin(id: number, endpoint: Endpoint, tokens: number, prefill: Endpoint | undefined, prefillTokens: number): boolean {
    const { size } = this.#rows;
    const row = this.#free.pop() ?? this.endpoints.length;
    this.#rows.set(id, row);
    this.endpoints[row] = endpoint;
    this.prefills[row] = prefill;
    if (row === this.tokens.length) this.#grow();
    this.tokens[row] = tokens;
    this.prefillTokens[row] = prefillTokens;
    return this.#rows.size > size;
  }

  /** @returns -1 if it isn't there */
  rowOf(id: number): number {
    return this.#rows.get(id) ?? -1;
  }

  /** @returns its row, which is another's from the next `begin` on; -1 if it isn't there */
  end(id: number): number {
    const row = this.#rows.take(id) ?? -1;
    if (row >= 0) this.#free.push(row);
    return row;
  }

  #grow(): void {
    this.tokens = twice(this.tokens);
    this.prefillTokens = twice(this.prefillTokens);
  }
}

const twice = (numbers: Float64Array): Float64Array<ArrayBuffer> => {
  const more = new Float64Array(2 * numbers.length);
  more.set(numbers);
  return more;
};
