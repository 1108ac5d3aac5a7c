import { relabelling, scrapedTarget } from "../promql/index.ts";
import { hash32 } from "../sim/rng.ts";
import { micros } from "../sim/time.ts";
import type { TargetSaid } from "./monitoring.ts";
import type { JobTarget, MetricsScenario } from "./scenario.ts";

/** A pod that may be scraped. */
export interface ScrapablePod {
  readonly name: string;
  readonly of: JobTarget["of"];
}

/** A target, named apart from all others, and how it is scraped; whoever knows the pod adds its page. */
export type PlannedScrape = { readonly name: string } & Omit<TargetSaid, "page">;

/**
 * How the monitors scrape a pod: once for each of its ports that a job finds.
 *
 * @returns undefined where no job looks for such pods: then it is scraped as by default
 */
export const plannedScrapes = ({ jobs }: MetricsScenario, pod: ScrapablePod): readonly PlannedScrape[] | undefined => {
  const own = (jobs ?? []).flatMap(({ job, targets }) =>
    targets
      .filter(({ of }) => of.role === pod.of.role && (of.role === "endpoint-picker" || of.name === pod.of.name))
      .map((target) => ({ job, target })),
  );
  if (own.length === 0) return undefined;
  return own.flatMap(({ job, target }, index) => {
    const found = scrapedTarget(job, { ...target, pod: pod.name, podIp: addressOf(pod.name) });
    if (found === undefined) return [];
    return [
      {
        name: `${pod.name} ${job.name} ${index}`,
        labels: found.labels.record(),
        honorLabels: job.honorLabels,
        interval: micros(found.intervalMs * 1000),
        ...(job.metricRelabelings.length === 0 ? {} : { relabel: relabelling(job.metricRelabelings) }),
        ...(job.sampleLimit === undefined ? {} : { sampleLimit: job.sampleLimit }),
      },
    ];
  });
};

/** Nothing but `instance` goes by it. */
const addressOf = (pod: string): string => {
  const hash = hash32(pod);
  return `10.${hash & 255}.${(hash >>> 8) & 255}.${(hash >>> 16) & 255}`;
};
