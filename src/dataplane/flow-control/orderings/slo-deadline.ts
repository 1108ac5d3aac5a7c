import * as z from "zod";
import { durationOf, durationText } from "../../../model/duration.ts";
import { NEVER } from "../../../sim/time.ts";
import { ordering } from "../ordering.ts";

/**
 * Earliest entry into the queue + target first: the request's own target, else that of its class, else it goes last.
 * Source: BLIS, sim/cluster/gateway_queue.go `sloDeadline`. Other than there, a flow is chosen by the head of this order too,
 * and not by whoever of it arrived first.
 */
export const sloDeadline = ordering({
  name: "slo-deadline",
  summary: "whose target is due first, its own or that of its class, as BLIS's `slo-deadline`",
  params: () =>
    z.object({
      classTargets: z
        .record(z.string().max(64), durationText)
        .default({})
        .meta({ description: "Target of each class, for requests that name none." }),
    }),
  create: ({ classTargets }) => {
    const ofClass = new Map(Object.entries(classTargets).map(([name, text]) => [name, durationOf(text)]));
    return {
      key: ({ sloTtft, sloClass = "" }, enqueuedAt) => {
        const target = sloTtft ?? ofClass.get(sloClass);
        return target === undefined ? NEVER : enqueuedAt + target;
      },
    };
  },
});
