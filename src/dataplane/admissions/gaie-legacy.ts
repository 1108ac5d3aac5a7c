import * as z from "zod";
import { admission } from "../admission.ts";
import { isSheddable } from "../priority.ts";

/**
 * Priorities below 0 are refused while the pool is saturated (1 or more by the configured detector, over all endpoints; an empty
 * pool is). What the EPP does where flow control is off, its default.
 *
 * Source: llm-d-router (August 2026), pkg/epp/requestcontrol/admission.go `LegacyAdmissionController`; BLIS's `gaie-legacy` is
 * this with the utilisation detector.
 */
export const gaieLegacy = admission({
  name: "gaie-legacy",
  summary: "refuse sheddable requests while the pool is saturated: the EPP's default",
  params: () => z.object({}),
  create: (_params, { detector }) => ({
    readsSignals: detector.readsSignals,
    refusal({ priority }, endpoints, now) {
      if (!isSheddable(priority) || detector.saturation(endpoints, now) < 1) return undefined;
      return "system saturated, sheddable request dropped";
    },
  }),
});
