import * as z from "zod";
import { good } from "../../../model/problem.ts";
import type { QueryAnswer } from "../../monitoring-server.ts";
import { externalTarget } from "../external-target.ts";
import { floatMilli } from "../float-quantity.ts";
import { fullSecond } from "../full-second.ts";
import { optionalBool, optionalFloat, requiredFloat, requiredText } from "../metadata.ts";
import { type Measured, metricNameOf, triggerType } from "../trigger.ts";

/**
 * An instant query at the full second. No element is 0, as NaN and infinity are, or an error without ignoreNullValues; more
 * than one is an error. Headers, authentication and the time-out of the real request play no part here.
 * Source: pkg/scalers/prometheus_scaler.go, kedacore/keda v2.20 (ExecutePromQuery, GetMetricsAndActivity).
 */
export const prometheus = triggerType({
  name: "prometheus",
  summary: "an instant query of a Prometheus server",
  params: () =>
    z.object({
      serverAddress: requiredText("serverAddress"),
      query: requiredText("query"),
      threshold: requiredFloat("threshold"),
      activationThreshold: optionalFloat("activationThreshold", 0),
      ignoreNullValues: optionalBool("ignoreNullValues", true),
    }),
  create: ({ query, threshold, activationThreshold, ignoreNullValues }, { index, said }) => {
    const target = externalTarget(said.metricType, floatMilli(threshold), "metadata.threshold");
    if (!target.ok) return target;
    return good({
      metric: { type: "External", metric: metricNameOf(index, "prometheus"), selector: {}, target: target.value },
      activation: activationThreshold,
      scaler: {
        queries: [query],
        measure: ({ now, monitoring }) => {
          const read = valueOf(monitoring.query(query, fullSecond(now)), query, ignoreNullValues);
          if (!read.ok) return read;
          const { value, empty } = read;
          const measured = { ok: true, milli: floatMilli(value), active: value > activationThreshold } as const;
          return empty === undefined ? measured : { ...measured, empty };
        },
      },
    });
  },
});

type Value = { readonly ok: true; readonly value: number; readonly empty?: boolean } | Extract<Measured, { ok: false }>;

const failed = (message: string): Value => ({ ok: false, message });

const valueOf = (answer: QueryAnswer, query: string, ignoreNullValues: boolean): Value => {
  if (!answer.ok) {
    return failed(
      answer.why === "refused"
        ? "prometheus query api returned error. status: 400"
        : `Get "api/v1/query": ${answer.message}`,
    );
  }
  // A scalar comes as a pair, where KEDA's decoder expects a list of elements.
  if (answer.type === "scalar") return failed("json: cannot unmarshal number into Go struct field .data.result");
  const [element, ...others] = answer.elements;
  if (others.length > 0) {
    return {
      ok: false,
      message: `prometheus query ${query} returned multiple elements`,
      elements: answer.elements.length,
    };
  }
  const nothing = (why: string): Value => (ignoreNullValues ? { ok: true, value: 0 } : failed(why));
  if (element === undefined) {
    return { ...nothing("prometheus metrics 'prometheus' target may be lost, the result is empty"), empty: true };
  }
  if (!Number.isFinite(element.value)) return nothing(`prometheus query returns ${goFloat(element.value)}`);
  return { ok: true, value: element.value };
};

const goFloat = (value: number): string => (Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
