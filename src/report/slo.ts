import type { Finished } from "../model/fact.ts";
import type { RequestHead } from "../model/request.ts";
import type { Micros } from "../sim/time.ts";

/** What a request is to meet; left out: nothing. */
export interface SloTargets {
  /** Arrival to first token, as its client sees it. */
  readonly ttft?: Micros;
  /** Mean gap between its tokens: (last - first) / (tokens - 1). */
  readonly tpot?: Micros;
  /** Arrival to last token. */
  readonly e2e?: Micros;
}

/** Class of requests that name none. Source: BLIS sim/slo.go, inference-sim@f90a1e3a; llm-d's priority 0. */
export const DEFAULT_CLASS = "standard";

/** Targets by class. What a request says of itself (`sloTtft`, `sloTpot`) goes before its class. */
export class SloBook {
  readonly #classes: ReadonlyMap<string, SloTargets>;

  constructor(classes: Readonly<Record<string, SloTargets>> = {}) {
    this.#classes = new Map(Object.entries(classes));
  }

  /** Whether the request has a target at all. */
  targets(request: RequestHead): boolean {
    if (request.sloTtft !== undefined || request.sloTpot !== undefined) return true;
    const said = this.#said(request);
    return said !== undefined && (said.ttft ?? said.tpot ?? said.e2e) !== undefined;
  }

  /** Whether a request that completed met all of its targets; vacuously if it has none. */
  met({ request, firstToken, end, outputTokens }: Finished): boolean {
    const said = this.#said(request);
    const ttft = request.sloTtft ?? said?.ttft;
    const tpot = request.sloTpot ?? said?.tpot;
    if (said?.e2e !== undefined && end - request.arrival > said.e2e) return false;
    if (ttft === undefined && tpot === undefined) return true;
    if (firstToken === undefined) return false;
    if (ttft !== undefined && firstToken - request.arrival > ttft) return false;
    return tpot === undefined || outputTokens < 2 || end - firstToken <= tpot * (outputTokens - 1);
  }

  #said({ sloClass }: RequestHead): SloTargets | undefined {
    return this.#classes.size === 0 ? undefined : this.#classes.get(sloClass ?? DEFAULT_CLASS);
  }
}
