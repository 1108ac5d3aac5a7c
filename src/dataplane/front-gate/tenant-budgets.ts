/**
 * Requests in flight per tenant, against a share of all slots. Who has no share may have any number.
 * Source: BLIS, sim/cluster/tenant.go: over budget is more than the share, so that one more than it gets in.
 */
export class TenantBudgets {
  readonly #limits: ReadonlyMap<string, number>;
  readonly #inFlight = new Map<string, number>();

  /** @param shares from 0 to 1 @param slots pods × their largest number of running requests */
  constructor(shares: Readonly<Record<string, number>>, slots: number) {
    this.#limits = new Map(Object.entries(shares).map(([tenant, share]) => [tenant, share * Math.max(1, slots)]));
  }

  isOver(tenant: string | undefined): boolean {
    const limit = tenant === undefined ? undefined : this.#limits.get(tenant);
    return limit !== undefined && this.#of(tenant) > limit;
  }

  started(tenant: string | undefined): void {
    this.#count(tenant, 1);
  }

  ended(tenant: string | undefined): void {
    this.#count(tenant, -1);
  }

  #of(tenant: string | undefined): number {
    return tenant === undefined ? 0 : (this.#inFlight.get(tenant) ?? 0);
  }

  #count(tenant: string | undefined, by: 1 | -1): void {
    if (tenant !== undefined && this.#limits.has(tenant))
      this.#inFlight.set(tenant, Math.max(0, this.#of(tenant) + by));
  }
}
