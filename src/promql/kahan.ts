/**
 * A sum that carries what rounding cost (Kahan's, improved by Neumaier). An infinite sum carries nothing.
 * Source: kahansum.Inc, Prometheus 3.14.
 */
export class KahanSum {
  sum = 0;
  carry = 0;

  reset(sum = 0, carry = 0): void {
    this.sum = sum;
    this.carry = carry;
  }

  add(value: number): void {
    const { sum } = this;
    const next = sum + value;
    if (next === Infinity || next === -Infinity) this.carry = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.carry += sum - next + value;
    else this.carry += value - next + sum;
    this.sum = next;
  }

  get total(): number {
    return this.sum === Infinity || this.sum === -Infinity ? this.sum : this.sum + this.carry;
  }
}

/**
 * A mean that can't overflow: a sum over a count, and from where the sum would be infinite on an incremental mean.
 * Source: funcAvgOverTime and the avg aggregation, Prometheus 3.14.
 */
export class Mean {
  readonly #sum = new KahanSum();
  #count = 0;
  #incremental = false;

  reset(first: number): void {
    this.#sum.reset(first);
    this.#count = 1;
    this.#incremental = false;
  }

  add(value: number): void {
    this.#count += 1;
    const { sum, carry } = this.#sum;
    if (!this.#incremental) {
      this.#sum.add(value);
      if (Math.abs(this.#sum.sum) !== Infinity) return;
      this.#incremental = true;
      this.#sum.reset(sum / (this.#count - 1), carry / (this.#count - 1));
    }
    const weight = (this.#count - 1) / this.#count;
    this.#sum.reset(weight * this.#sum.sum, weight * this.#sum.carry);
    this.#sum.add(value / this.#count);
  }

  get value(): number {
    const { sum, carry } = this.#sum;
    return this.#incremental ? sum + carry : sum / this.#count + carry / this.#count;
  }
}
