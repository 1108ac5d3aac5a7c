/**
 * Jain's index of shares x: (Σx)² / (n Σx²), from 1/n (one has it all) to 1 (all have the same); 1 if nobody has
 * anything. Source: Jain, Chiu, Hawe, DEC-TR-301 (1984); BLIS sim/cluster/metrics.go, inference-sim@f90a1e3a, for the use.
 */
export const jainIndex = (shares: Iterable<number>): number => {
  let [count, sum, squares] = [0, 0, 0];
  for (const share of shares) {
    count += 1;
    sum += share;
    squares += share * share;
  }
  return squares === 0 ? 1 : (sum * sum) / (count * squares);
};

/** Tenants whose shares are told apart. */
const MOST_TENANTS = 10_000;

/** Output tokens by tenant: of the first 10 000 of them. */
export class TokenShares {
  readonly #tokens = new Map<string, number>();
  overflowed = false;

  add(tenant: string, tokens: number): void {
    const before = this.#tokens.get(tenant);
    if (before === undefined && this.#tokens.size >= MOST_TENANTS) this.overflowed = true;
    else this.#tokens.set(tenant, (before ?? 0) + tokens);
  }

  get tenants(): number {
    return this.#tokens.size;
  }

  get jain(): number {
    return jainIndex(this.#tokens.values());
  }
}
