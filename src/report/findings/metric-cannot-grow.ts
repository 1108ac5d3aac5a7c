import type { FindingRule } from "../finding-rule.ts";

/** A run has to show this much of a metric before its values prove anything. */
const LEAST_SYNCS = 20;
/** Outermost aggregations whose value is that of one series, however many there are. */
const OF_ONE =
  /^\s*(avg|max|min|quantile|stddev|stdvar|histogram_quantile|avg_over_time|max_over_time|min_over_time)\b/;

/**
 * With AverageValue the controller asks for ceil(total / target) replicas: a total that doesn't grow with the load, such as the
 * avg() of ratios, pins it at ceil(its largest value / target) for good.
 * Source: GetExternalPerPodMetricReplicas in pkg/controller/podautoscaler/replica_calculator.go, Kubernetes v1.36.
 */
export const metricCannotGrow: FindingRule = {
  name: "metric-cannot-grow",
  summary: "a metric that can't grow with replicas, against a target per replica",
  look: ({ setup, metrics }) =>
    metrics.flatMap((metric) => {
      const { field, query, name, source, target, targetType, syncs, missing, totalMax } = metric;
      const isTotal = source === "External" || source === "Object";
      if (!isTotal || targetType !== "average" || target <= 0 || syncs - missing < LEAST_SYNCS) return [];
      const byQuery = query !== undefined && OF_ONE.test(query);
      // A thousandth per replica is the controller's own rounding.
      const isRatio = metric.fractional && totalMax <= 1 + 0.001 * setup.maxReplicas;
      const evidence = {
        largestTotal: totalMax,
        target,
        mostAskedFor: metric.proposalMax,
        maxReplicas: setup.maxReplicas,
      };
      const fix =
        "a target of type Value (KEDA: metricType: Value), which scales the present replicas by value / target, or a sum over the replicas";
      const bound = Math.ceil(1 / target);
      if (isRatio && bound < setup.maxReplicas && (byQuery || metric.replicaCounts > 1)) {
        const message = `${name} lies between 0 and 1 however many replicas there are, but is held against a target per replica: it can't ask for more than ${bound} of ${setup.maxReplicas}`;
        return { severity: "error" as const, field, message, evidence: { ...evidence, bound }, fix };
      }
      if (isRatio || !byQuery) return [];
      const message = `${name} is not a total over the replicas, but is held against a target per replica: it asks for value / target replicas, whatever their number`;
      return { severity: "warning" as const, field, message, evidence, fix };
    }),
};
