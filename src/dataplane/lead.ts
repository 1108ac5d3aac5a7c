/** Who has the highest total, as far as they were met. */
export class Lead {
  total = Number.NEGATIVE_INFINITY;
  /** How many have it; 0: nobody was met. */
  ties = 0;
  /** Position of one of them. */
  at = -1;

  meet(at: number, total: number): void {
    if (total > this.total) {
      this.total = total;
      this.ties = 1;
      this.at = at;
    } else if (total === this.total) this.ties += 1;
  }

  /** All of these, by position. */
  meetAll(totals: Float64Array, length: number): void {
    for (let at = 0; at < length; at += 1) this.meet(at, totals[at] as number);
  }

  forget(): void {
    this.total = Number.NEGATIVE_INFINITY;
    this.ties = 0;
    this.at = -1;
  }
}
