import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import type { RequestHead } from "../../model/request.ts";
import type { Micros } from "../../sim/time.ts";
import { admitter, type Predict, type Prediction } from "../admitter.ts";
import { isSheddable } from "../priority.ts";

/**
 * Refuses a sheddable request with a target if no endpoint is predicted to meet it, none is idle (nothing running) and none is
 * cold (KV usage below 2 %, where predictions mean little). Whoever has no target, or for whom nothing is predicted, gets in.
 *
 * Source: llm-d-router (August 2026), pkg/epp/framework/plugins/requestcontrol/admitter/latencyslo. The producer's name says
 * whose predictions they are: here there is one.
 */
export const latencySloAdmitter = admitter({
  name: "latency-slo-admitter",
  summary: "refuse sheddable requests whose target no endpoint is predicted to meet",
  params: () =>
    z.object({
      latencyPredictionInfoProducerName: z
        .string()
        .optional()
        .meta({ description: "Whose predictions; there is one here." }),
    }),
  create: (_params, { predict }) => {
    if (predict === undefined) return { readsSignals: false, note: BLIND, refusal: () => undefined };
    return {
      readsSignals: true,
      refusal({ head, priority }, endpoints) {
        if (!isSheddable(priority) || !hasTarget(head)) return undefined;
        return isHopeless(head, endpoints, predict) ? "no valid endpoint available to serve the request" : undefined;
      },
    };
  },
});

const BLIND =
  "latency-slo-admitter has no latency predictions, so it admits every request, as the EPP does without them";
const COLD_KV_USAGE = 0.02;

const isTarget = (length: Micros | undefined): length is Micros => length !== undefined && length > 0;
const hasTarget = ({ sloTtft, sloTpot }: RequestHead): boolean => isTarget(sloTtft) || isTarget(sloTpot);

const isHopeless = (head: RequestHead, endpoints: readonly Endpoint[], predict: Predict): boolean => {
  let predicted = false;
  for (const endpoint of endpoints) {
    if (endpoint.kvUsage < COLD_KV_USAGE || endpoint.running === 0) return false;
    const prediction = predict(head, endpoint);
    if (prediction === undefined) continue;
    if (meets(head, prediction)) return false;
    predicted = true;
  }
  return predicted;
};

/** A target that is left out, or 0, is met by all. */
const meets = ({ sloTtft, sloTpot }: RequestHead, { ttft, tpot }: Prediction): boolean =>
  (!isTarget(sloTtft) || ttft <= sloTtft) && (!isTarget(sloTpot) || tpot <= sloTpot);
