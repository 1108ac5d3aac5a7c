import * as z from "zod";
import { type FlowPicker, type FlowView, fairness } from "../fairness.ts";

/**
 * The flows of a band in turn, in order of their ids, passing over those where nobody waits. A round that finds nobody begins
 * anew. Source: llm-d-router (August 2026), flowcontrol/fairness/roundrobin; BLIS's `round-robin` is the same but for when the
 * turn is forgotten.
 */
export const roundRobinFairnessPolicy = fairness({
  name: "round-robin-fairness-policy",
  summary: "the flows of a band in turn",
  params: () => z.object({}),
  create: () => ({ band: () => new Turns() }),
});

/** Changing who waits moves the ids behind it: a memmove, and the search is binary. */
class Turns implements FlowPicker {
  /** Those where somebody waits, by id. */
  readonly #flows: FlowView[] = [];
  #last: string | undefined;

  get restless(): boolean {
    return this.#last !== undefined;
  }

  changed(flow: FlowView): void {
    const at = this.#after(flow.id, false);
    const listed = this.#flows[at]?.id === flow.id;
    if (flow.head === undefined && listed) this.#flows.splice(at, 1);
    else if (flow.head !== undefined && !listed) this.#flows.splice(at, 0, flow);
  }

  pick(): FlowView | undefined {
    const next = this.#last === undefined ? 0 : this.#after(this.#last, true);
    const picked = this.#flows[next] ?? this.#flows[0];
    this.#last = picked?.id;
    return picked;
  }

  forget(id: string): void {
    if (this.#last === id) this.#last = undefined;
  }

  /** @returns index of the first flow whose id comes after `id`, or is `id` where it is not to be passed over */
  #after(id: string, passingOver: boolean): number {
    let low = 0;
    let high = this.#flows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = (this.#flows[middle] as FlowView).id;
      if (other < id || (passingOver && other === id)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
