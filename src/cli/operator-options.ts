import { type Command, InvalidArgumentError, Option } from "commander";
import { NO_QUOTA, type Quota } from "../operator/quota.ts";
import type { SweepJobs } from "../operator/sweep/sweep-jobs.ts";
import type { RunBounds } from "../worker/pool.ts";
import { collect } from "./collect.ts";
import { durationOption, positive } from "./limit-options.ts";
import { LOG_LEVELS, type LogLevel } from "./log-levels.ts";

/** What the installer of the operator says of all simulations together. */
export interface OperatorOptions {
  readonly mirrorNamespace: readonly string[];
  readonly concurrentReconciles: number;
  readonly maxRunTime: number;
  readonly maxRunMemory: number;
  readonly maxShadowMemory: number;
  readonly sweepJobNamespace: readonly string[];
  readonly sweepImage?: string;
  readonly reportConfigMapNamespace: readonly string[];
  readonly maxRunsPerNamespace?: number;
  readonly maxSimulationsPerNamespace?: number;
  readonly maxShadowsPerNamespace?: number;
  readonly webhookListen?: string;
  readonly webhookCertificates?: string;
  readonly otlpEndpoint?: string;
  readonly logLevel: LogLevel;
}

export const withOperatorOptions = (command: Command): Command =>
  command
    .option(
      "--mirror-namespace <name>",
      "on a cluster, what stands in this namespace (monitors, rules) may be mirrored by simulations of all; *: any; may be repeated",
      collect,
      [],
    )
    .option("--concurrent-reconciles <count>", "simulations that are looked at at the same time", whole, 10)
    .addOption(durationOption("--max-run-time <duration>", "wall clock that one run of a preview may take", 3600))
    .option("--max-run-memory <MiB>", "memory that one run of a preview may take", whole, 2048)
    .option("--max-shadow-memory <MiB>", "memory that all shadows together may take", whole, 2048)
    .option(
      "--sweep-job-namespace <name>",
      "on a cluster, sweeps of this namespace may run as Jobs in it (spec.sweep.job); may be repeated",
      collect,
      [],
    )
    .option("--sweep-image <image>", "of the pods of such Jobs: servetwin of this version")
    .option(
      "--report-config-map-namespace <name>",
      "on a cluster, whole reports may be kept in ConfigMaps of this namespace (spec.export.reportConfigMap); may be repeated",
      collect,
      [],
    )
    .option("--max-runs-per-namespace <count>", "runs of one namespace at the same time; left out: all threads", whole)
    .option("--max-simulations-per-namespace <count>", "left out: any number", whole)
    .option("--max-shadows-per-namespace <count>", "left out: any number", whole)
    .option("--webhook-listen <address>", "answer the API server's questions about objects there, such as 0.0.0.0:9443")
    .option("--webhook-certificates <dir>", "folder with tls.crt and tls.key of the webhook; they may be replaced")
    .option("--otlp-endpoint <url>", "send traces there by OTLP/HTTP, as OTEL_EXPORTER_OTLP_ENDPOINT does")
    .addOption(new Option("--log-level <level>", "of the log on standard error").choices(LOG_LEVELS).default("info"));

export const runBoundsOf = (options: OperatorOptions): RunBounds => ({
  maxMebibytes: options.maxRunMemory,
  maxSeconds: options.maxRunTime,
  ...(options.maxRunsPerNamespace === undefined ? {} : { maxPerNamespace: options.maxRunsPerNamespace }),
});

export const quotaOf = (options: OperatorOptions): Quota => ({
  simulations: options.maxSimulationsPerNamespace ?? NO_QUOTA.simulations,
  shadows: options.maxShadowsPerNamespace ?? NO_QUOTA.shadows,
});

export const sweepJobsOf = ({ sweepJobNamespace, sweepImage }: OperatorOptions): Omit<SweepJobs, "objects"> => ({
  namespaces: sweepJobNamespace,
  ...(sweepImage === undefined ? {} : { image: sweepImage }),
});

const whole = (text: string): number => {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("write a whole number above 0");
  return value;
};
