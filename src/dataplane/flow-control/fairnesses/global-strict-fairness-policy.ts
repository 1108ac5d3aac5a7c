import * as z from "zod";
import { type FlowView, fairness } from "../fairness.ts";
import { IndexedHeap } from "../indexed-heap.ts";
import type { Waiting } from "../ordering.ts";

/**
 * The best head over all flows, as if the band were one queue. Source: llm-d-router (August 2026),
 * flowcontrol/fairness/globalstrict: the EPP's default; where two heads are equal it takes either, here the one that arrived first.
 */
export const globalStrictFairnessPolicy = fairness({
  name: "global-strict-fairness-policy",
  summary: "the best head over all flows, as if a band were one queue: the EPP's default",
  params: () => z.object({}),
  create: () => ({
    band: () => {
      const flows = new IndexedHeap<FlowView>((a, b) => precedes(a.head as Waiting, b.head as Waiting));
      return {
        restless: false,
        changed(flow) {
          const listed = flows.has(flow);
          if (flow.head !== undefined && listed) flows.moved(flow);
          else if (flow.head !== undefined) flows.push(flow);
          else if (listed) flows.remove(flow);
        },
        pick: () => flows.first,
        forget: () => undefined,
      };
    },
  }),
});

const precedes = (a: Waiting, b: Waiting): boolean => (a.key === b.key ? a.order < b.order : a.key < b.key);
