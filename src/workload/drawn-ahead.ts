import type { Drawn, WorkloadSource } from "./source.ts";

const AT_ONCE = 32;

/**
 * Requests that depend on nothing but their streams, drawn some at a time: the code that draws them runs in a loop, in
 * place of once between all that becomes of two requests. For sources that read nothing and hear of no ends.
 */
export class DrawnAhead implements WorkloadSource {
  readonly #source: Pick<WorkloadSource, "next">;
  #drawn: Drawn[] = [];
  #taken = 0;

  constructor(source: Pick<WorkloadSource, "next">) {
    this.#source = source;
  }

  next(): Drawn {
    if (this.#taken === this.#drawn.length) this.#draw();
    this.#taken += 1;
    return this.#drawn[this.#taken - 1] as Drawn;
  }

  #draw(): void {
    const drawn = new Array<Drawn>(AT_ONCE);
    for (let i = 0; i < AT_ONCE; i += 1) drawn[i] = this.#source.next();
    this.#drawn = drawn;
    this.#taken = 0;
  }
}
