import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { routingPolicy } from "../policy.ts";

const labels = (flag: string, what: string) =>
  z
    .string()
    .min(1)
    .max(1024)
    .meta({ description: `${flag}: values of the label \`model\` of pods that ${what}, separated by commas.` });

/**
 * A prompt is computed by a pod of the one kind, and its tokens are made by one of the other, told apart by their label
 * `model`; where either is missing the router answers HTTP 503. `disaggregated_prefill` takes the first pod of each kind that
 * it has found, whatever it has to do; `disaggregated_prefill_orchestrated` takes each in turn, in order of address, here of
 * name. Source: vLLM production-stack@a6c01db0 (August 2026), src/vllm_router/routers/routing_logic.py.
 */
export const productionStackDisaggregated = routingPolicy({
  name: "production-stack-disaggregated",
  summary: "prompt and tokens by pods of two labels (vLLM production-stack disaggregated_prefill)",
  params: () =>
    z.object({
      prefillModelLabels: labels("--prefill-model-labels", "compute prompts"),
      decodeModelLabels: labels("--decode-model-labels", "make tokens"),
      orchestrated: z.boolean().default(false).meta({
        description:
          "disaggregated_prefill_orchestrated: each in turn. Else all requests go to the first of either kind.",
      }),
    }),
  create: ({ prefillModelLabels, decodeModelLabels, orchestrated }) => {
    const kinds = [prefillModelLabels, decodeModelLabels].map(
      (said) => new Set(said.split(",").map((one) => one.trim())),
    );
    let routed = 0;
    const pair = (
      endpoints: readonly Endpoint[],
    ): { readonly prefill: number; readonly decode: number } | undefined => {
      const [prefill, decode] = kinds.map((kind) => {
        const fitting = endpoints.flatMap(({ labels: { model } }, at) =>
          model !== undefined && kind.has(model) ? [at] : [],
        );
        if (!orchestrated) return fitting[0];
        fitting.sort((a, b) => ((endpoints[a] as Endpoint).name < (endpoints[b] as Endpoint).name ? -1 : 1));
        return fitting[routed % fitting.length];
      });
      if (prefill === undefined || decode === undefined) return undefined;
      routed += 1;
      return { prefill, decode };
    };
    return {
      readsSignals: false,
      pair: (_request, endpoints) => pair(endpoints),
      // The gateway asks for the pair.
      pick: (_request, endpoints) => pair(endpoints)?.decode ?? 0,
    };
  },
});
