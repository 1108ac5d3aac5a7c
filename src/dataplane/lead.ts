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

  /** Among all of these, whoever was met before. */
  seek(totals: Float64Array, length: number): void {
    let highest = Number.NEGATIVE_INFINITY;
    let ties = 0;
    let first = -1;
    for (let at = 0; at < length; at += 1) {
      const total = totals[at] as number;
      if (total > highest) {
        highest = total;
        ties = 1;
        first = at;
      } else if (total === highest) ties += 1;
    }
    this.total = highest;
    this.ties = ties;
    this.at = first;
  }

  forget(): void {
    this.total = Number.NEGATIVE_INFINITY;
    this.ties = 0;
    this.at = -1;
  }
}
