import type { Request } from "../model/request.ts";
import { NEVER, type SimTime } from "../sim/time.ts";

/** What every request has; the rest is said of those that have it. One shape for sources that draw millions. */
export class DrawnRequest implements Request {
  readonly id: number;
  // A double from the first: see `noInstants`.
  readonly arrival: SimTime = NEVER;
  readonly promptTokens: number;
  readonly outputTokens: number;

  constructor(id: number, arrival: SimTime, promptTokens: number, outputTokens: number) {
    this.id = id;
    this.arrival = arrival;
    this.promptTokens = promptTokens;
    this.outputTokens = outputTokens;
  }
}
