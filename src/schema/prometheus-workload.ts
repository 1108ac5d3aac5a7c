import * as z from "zod";
import { durationSeconds, durationText } from "../model/duration.ts";
import { parseQuery } from "../promql/index.ts";
import { allowedUrl } from "./allowed-url.ts";
import { type Rule, ruled } from "./rule.ts";

/** Label matchers alone: with them every query stays a plain selection of series. */
const isSelector = (text: string): boolean => {
  const parsed = parseQuery(`up${text}`);
  return parsed.ok && parsed.expr.kind === "selector" && /^\{[\s\S]*\}$/.test(text);
};

/** Samples of a step's end come with the next scrape; two steps are read ahead of the simulation. */
const SETTLE_SECONDS = 15;

interface Times {
  readonly window: string;
  readonly step: string;
  readonly delay: string;
}

const timeRules: readonly Rule<Times>[] = [
  {
    message: "window must be as long as step at least",
    field: ["window"],
    holds: ({ window, step }) => durationSeconds(window) >= durationSeconds(step),
  },
  {
    message: "step must be 1s or more",
    field: ["step"],
    holds: ({ step }) => durationSeconds(step) >= 1,
  },
  {
    message: `delay must be two steps and ${SETTLE_SECONDS}s at least, so that a step's samples are in before it is simulated`,
    field: ["delay"],
    fix: "make it longer, or step shorter",
    holds: ({ step, delay }) => durationSeconds(delay) >= 2 * durationSeconds(step) + SETTLE_SECONDS,
  },
];

/** `spec.workload.prometheus`. */
export const prometheusWorkload = z.lazy(() =>
  ruled(
    z.strictObject({
      url: allowedUrl.meta({
        description:
          "Prometheus, or what answers as it does, without /api/v1. Must match the operator's allow list; a token for it is the installer's to give (--prometheus-token-file).",
      }),
      selector: z
        .string()
        .min(2)
        .max(1024)
        .refine(isSelector, { error: `must be label matchers such as {namespace="inference"}` })
        .optional()
        .meta({
          description:
            "Label matchers that production's series have, and nothing else has. Left out: those of the simulation's namespace.",
        }),
      metrics: z.enum(["Auto", "vLLM", "EPP", "Gateway"]).default("Auto").meta({
        description:
          "Whose series tell the rate: the engines', the endpoint picker's, or those of Istio or Envoy. Auto: the endpoint picker's where there are some, else the engines', else the gateway's. Lengths and prefix hits come from the engines where the others don't tell them.",
      }),
      window: durationText
        .default("1h")
        .meta({ description: "How much of the past a Preview or a Replay takes. A Shadow follows on from now." }),
      offset: durationText.default("0s").meta({ description: "How long ago the window ended." }),
      until: z
        .string()
        .max(32)
        .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/, {
          error: "must be UTC, such as 2026-01-31T18:00:00Z",
        })
        .optional()
        .meta({ description: "When the window ended, in place of a time before now: so that it stays the same." }),
      step: durationText.default("30s").meta({
        description: "The rate is taken to stay the same for so long; a scrape interval or more.",
      }),
      delay: durationText.default("2m").meta({
        description: "How far a Shadow follows behind production: two steps and the scrape interval at least.",
      }),
      repeat: z.enum(["Once", "Repeated"]).default("Once").meta({
        description:
          "Of a Preview that is longer than the window: whether the window comes again, or nothing more comes.",
      }),
      rateScale: z.number().min(0.001).max(1000).default(1).meta({ description: "2: twice as many requests." }),
    }),
    timeRules,
  ).meta({ description: "Production's own traffic, as its metrics tell it: rates, lengths, prefix hits, classes." }),
);
export type PrometheusWorkload = z.output<typeof prometheusWorkload>;
