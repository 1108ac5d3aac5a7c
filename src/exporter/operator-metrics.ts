import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from "prom-client";
import type { HistogramValue, MetricFamily, MetricSample } from "../model/metric-family.ts";
import type { Compared, Drift } from "../report/drift/index.ts";

/** What is asked for when a scrape comes. */
export interface OperatorState {
  readonly leading: boolean;
  /** Simulations looked at just now, and most at the same time. */
  readonly workers: { readonly active: number; readonly most: number };
  readonly queue: {
    /** Edits before what is only looked at again. */
    readonly waiting: { readonly edit: number; readonly resync: number };
    readonly unfinishedSeconds: number;
    readonly longestSeconds: number;
  };
  /** Samples that wait to be sent by remote write. */
  readonly pendingSamples: number;
  readonly simulations: readonly {
    /** `namespace/name`. */
    readonly simulation: string;
    readonly mode: string;
    readonly phase: string;
    /** Of a Shadow: how far its world is behind the wall clock. */
    readonly lagSeconds?: number;
    /** Of a Shadow that follows production. */
    readonly drift?: Drift;
  }[];
}

export type ReconcileResult = "success" | "error" | "requeue" | "requeue_after";

/** The only controller; Kubernetes' controllers are named after their kind in lower case. */
const CONTROLLER = "inferencesimulation";
/** controller-runtime 0.22, pkg/internal/controller/metrics. */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** controller-runtime 0.22, pkg/metrics/workqueue.go: from 10 ns by tens. */
const QUEUE_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
/** controller-runtime's own for the priority queue: what is looked at again stands at -100 (pkg/handler). */
const PRIORITIES = { edit: "0", resync: "-100" } as const;
/** client_golang's defaults, which controller-runtime takes for webhooks. */
const WEBHOOK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PREVIEW_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];

/**
 * The operator's metrics about itself, never simulated, under controller-runtime's names where it has one. Events are
 * told by methods; what has a present state is asked for at each scrape.
 */
export class OperatorMetrics {
  readonly #registry = new Registry();
  readonly #state: () => OperatorState;
  readonly #reconciles: Counter<"controller" | "result">;
  readonly #errors: Counter<"controller">;
  readonly #terminalErrors: Counter<"controller">;
  readonly #reconcileTime: Histogram<"controller">;
  readonly #admissions: Counter<"webhook" | "code">;
  readonly #admissionTime: Histogram<"webhook" | "code">;
  readonly #queueAdds: Counter<"name" | "controller">;
  readonly #queueRetries: Counter<"name" | "controller">;
  readonly #queueWait: Histogram<"name" | "controller">;
  readonly #queueWork: Histogram<"name" | "controller">;
  readonly #requests: Counter<"code" | "method" | "host">;
  readonly #previews: Histogram;
  readonly #written: Readonly<Record<"sent" | "failed" | "dropped", Counter>>;

  /** @param withProcess whether to tell of the process too (`process_*`, `nodejs_*`); it can't be undone */
  constructor(state: () => OperatorState, build: { readonly version: string }, withProcess = true) {
    this.#state = state;
    const registers = [this.#registry];
    const own = { controller: CONTROLLER };
    const queue = { name: CONTROLLER, controller: CONTROLLER };
    this.#reconciles = new Counter({
      name: "controller_runtime_reconcile_total",
      help: "Total number of reconciliations per controller",
      labelNames: ["controller", "result"],
      registers,
    });
    for (const result of ["success", "error", "requeue", "requeue_after"]) this.#reconciles.inc({ ...own, result }, 0);
    this.#errors = new Counter({
      name: "controller_runtime_reconcile_errors_total",
      help: "Total number of reconciliation errors per controller",
      labelNames: ["controller"],
      registers,
    });
    this.#errors.inc(own, 0);
    this.#terminalErrors = new Counter({
      name: "controller_runtime_terminal_reconcile_errors_total",
      help: "Total number of terminal reconciliation errors per controller",
      labelNames: ["controller"],
      registers,
    });
    this.#terminalErrors.inc(own, 0);
    this.#admissions = new Counter({
      name: "controller_runtime_webhook_requests_total",
      help: "Total number of admission requests by HTTP status code.",
      labelNames: ["webhook", "code"],
      registers,
    });
    this.#admissionTime = new Histogram({
      name: "controller_runtime_webhook_latency_seconds",
      help: "Histogram of the latency of processing admission requests",
      labelNames: ["webhook", "code"],
      buckets: WEBHOOK_BUCKETS,
      registers,
    });
    this.#reconcileTime = new Histogram({
      name: "controller_runtime_reconcile_time_seconds",
      help: "Length of time per reconciliation per controller",
      labelNames: ["controller"],
      buckets: RECONCILE_BUCKETS,
      registers,
    });
    this.#reconcileTime.zero(own);
    this.#queueAdds = new Counter({
      name: "workqueue_adds_total",
      help: "Total number of adds handled by workqueue",
      labelNames: ["name", "controller"],
      registers,
    });
    this.#queueAdds.inc(queue, 0);
    this.#queueRetries = new Counter({
      name: "workqueue_retries_total",
      help: "Total number of retries handled by workqueue",
      labelNames: ["name", "controller"],
      registers,
    });
    this.#queueRetries.inc(queue, 0);
    this.#queueWait = new Histogram({
      name: "workqueue_queue_duration_seconds",
      help: "How long in seconds an item stays in workqueue before being requested",
      labelNames: ["name", "controller"],
      buckets: QUEUE_BUCKETS,
      registers,
    });
    this.#queueWait.zero(queue);
    this.#queueWork = new Histogram({
      name: "workqueue_work_duration_seconds",
      help: "How long in seconds processing an item from workqueue takes.",
      labelNames: ["name", "controller"],
      buckets: QUEUE_BUCKETS,
      registers,
    });
    this.#queueWork.zero(queue);
    this.#requests = new Counter({
      name: "rest_client_requests_total",
      help: "Number of HTTP requests, partitioned by status code, method, and host.",
      labelNames: ["code", "method", "host"],
      registers,
    });
    this.#previews = new Histogram({
      name: "servetwin_preview_seconds",
      help: "Wall-clock time that previews took, all replications together.",
      buckets: PREVIEW_BUCKETS,
      registers,
    });
    const written = (name: string, help: string): Counter => {
      const counter = new Counter({ name: `servetwin_remote_write_${name}_total`, help, registers });
      counter.inc(0);
      return counter;
    };
    this.#written = {
      sent: written("samples", "Samples that receivers of remote write took."),
      failed: written("samples_failed", "Samples that receivers of remote write refused for good."),
      dropped: written("samples_dropped", "Samples lost, since receivers were away for longer than there was room."),
    };
    this.#ask(
      "servetwin_remote_write_samples_pending",
      "Samples that wait to be sent by remote write.",
      {},
      ({ pendingSamples }) => pendingSamples,
    );
    this.#ask(
      "controller_runtime_max_concurrent_reconciles",
      "Maximum number of concurrent reconciles per controller",
      own,
      ({ workers }) => workers.most,
    );
    this.#ask(
      "controller_runtime_active_workers",
      "Number of currently used workers per controller",
      own,
      ({ workers }) => workers.active,
    );
    this.#askAboutDepth(queue, registers);
    this.#ask(
      "workqueue_unfinished_work_seconds",
      "How many seconds of work has been done that is in progress and hasn't been observed by work_duration.",
      queue,
      (now) => now.queue.unfinishedSeconds,
    );
    this.#ask(
      "workqueue_longest_running_processor_seconds",
      "How many seconds has the longest running processor for workqueue been running.",
      queue,
      (now) => now.queue.longestSeconds,
    );
    this.#ask(
      "leader_election_master_status",
      "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease. Please make sure to group by name.",
      { name: "servetwin" },
      ({ leading }) => Number(leading),
    );
    this.#ask("servetwin_build_info", "Version of servetwin; always 1.", build, () => 1);
    this.#askAboutSimulations(registers);
    if (withProcess) {
      collectDefaultMetrics({ register: this.#registry });
      // Gauges with a counter's name, which linters refuse; they are sums of those without the suffix.
      for (const what of ["handles", "requests", "resources"]) {
        this.#registry.removeSingleMetric(`nodejs_active_${what}_total`);
      }
    }
  }

  reconciled(result: ReconcileResult, seconds: number): void {
    this.#reconciles.inc({ controller: CONTROLLER, result });
    if (result === "error") this.#errors.inc({ controller: CONTROLLER });
    this.#reconcileTime.observe({ controller: CONTROLLER }, seconds);
  }

  /** A simulation can't be as it is wanted, and no retry would help. */
  refused(): void {
    this.#terminalErrors.inc({ controller: CONTROLLER });
  }

  /** @param webhook path that the API server called @param code HTTP status of the answer */
  admitted(webhook: string, code: number, seconds: number): void {
    this.#admissions.inc({ webhook, code: String(code) });
    this.#admissionTime.observe({ webhook, code: String(code) }, seconds);
  }

  previewTook(seconds: number): void {
    this.#previews.observe(seconds);
  }

  /** Samples were sent by remote write, refused or dropped. */
  pushed(what: "sent" | "failed" | "dropped", samples: number): void {
    this.#written[what].inc(samples);
  }

  queueAdded(): void {
    this.#queueAdds.inc({ name: CONTROLLER, controller: CONTROLLER });
  }

  queueRetried(): void {
    this.#queueRetries.inc({ name: CONTROLLER, controller: CONTROLLER });
  }

  /** An item was taken after waiting so long. */
  queueTook(waitedSeconds: number): void {
    this.#queueWait.observe({ name: CONTROLLER, controller: CONTROLLER }, waitedSeconds);
  }

  /** The work on an item ended after so long. */
  queueDone(workedSeconds: number): void {
    this.#queueWork.observe({ name: CONTROLLER, controller: CONTROLLER }, workedSeconds);
  }

  /** An answer of the Kubernetes API, or `<error>` for none, as client-go counts. */
  requested(code: string, method: string, host: string): void {
    this.#requests.inc({ code, method, host });
  }

  /**
   * prom-client never writes these itself: a registry that was once asked for OpenMetrics writes its counters wrong in
   * the text format from then on.
   */
  async families(): Promise<MetricFamily[]> {
    // Families without samples say nothing yet.
    return (await this.#registry.getMetricsAsJSON()).map(familyOf).filter(({ samples }) => samples.length > 0);
  }

  /** What there is, for the documentation. */
  async described(): Promise<{ name: string; type: string; help: string; labels: string[] }[]> {
    return (await this.#registry.getMetricsAsJSON()).map(({ name, type, help }) => {
      const { labelNames = [] } = this.#registry.getSingleMetric(name) as unknown as { labelNames?: readonly string[] };
      return { name, type: String(type), help, labels: [...labelNames] };
    });
  }

  #ask(
    name: string,
    help: string,
    labels: Readonly<Record<string, string>>,
    read: (state: OperatorState) => number,
  ): void {
    const state = this.#state;
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
      collect() {
        this.set(labels, read(state()));
      },
    });
  }

  #askAboutDepth(queue: Readonly<Record<"name" | "controller", string>>, registers: Registry[]): void {
    const state = this.#state;
    new Gauge({
      name: "workqueue_depth",
      help: "Current depth of workqueue by workqueue and priority",
      labelNames: ["name", "controller", "priority"],
      registers,
      collect() {
        const { waiting } = state().queue;
        for (const [which, priority] of Object.entries(PRIORITIES))
          this.set({ ...queue, priority }, waiting[which as keyof typeof waiting]);
      },
    });
  }

  #askAboutSimulations(registers: Registry[]): void {
    const state = this.#state;
    new Gauge({
      name: "servetwin_simulations",
      help: "Simulations by mode and phase.",
      labelNames: ["mode", "phase"],
      registers,
      collect() {
        this.reset();
        for (const { mode, phase } of state().simulations) this.inc({ mode, phase });
      },
    });
    new Gauge({
      name: "servetwin_shadow_lag_seconds",
      help: "How far the world of a Shadow is behind the wall clock.",
      labelNames: ["simulation"],
      registers,
      collect() {
        this.reset();
        for (const { simulation, lagSeconds } of state().simulations) {
          if (lagSeconds !== undefined) this.set({ simulation }, lagSeconds);
        }
      },
    });
    for (const [name, help, read] of DRIFT_GAUGES) {
      new Gauge({
        name,
        help,
        labelNames: ["simulation", "metric"],
        registers,
        collect() {
          this.reset();
          for (const { simulation, drift } of state().simulations) {
            for (const compared of drift?.compared ?? [])
              this.set({ simulation, metric: compared.metric }, read(compared));
          }
        },
      });
    }
    new Gauge({
      name: "servetwin_drifted",
      help: "1 where a Shadow has drifted from production, and its likely cause; 0 where it has not.",
      labelNames: ["simulation", "cause"],
      registers,
      collect() {
        this.reset();
        for (const { simulation, drift } of state().simulations) {
          if (drift?.drifted !== undefined) this.set({ simulation, cause: drift.cause ?? "" }, Number(drift.drifted));
        }
      },
    });
  }
}

const DRIFT_GAUGES: readonly (readonly [string, string, (compared: Compared) => number])[] = [
  [
    "servetwin_drift_ratio",
    "What a Shadow simulates, over what production did, in the last half hour.",
    ({ ratio }) => ratio,
  ],
  [
    "servetwin_drift_confidence",
    "How sure it is that the ratio lies beyond its margin, 0 to 1.",
    ({ confidence }) => confidence,
  ],
];

type Described = MetricObjectWithValues<MetricValue<string>>;

const familyOf = (metric: Described): MetricFamily => {
  const { help, type } = metric as { help: string; type: unknown };
  const name = metric.name;
  if (type === "histogram") return { name, type: "histogram", help, samples: histogramsOf(metric) };
  const samples = metric.values.map(({ labels, value }) => ({ labels: textLabels(labels), value }));
  return type === "counter"
    ? { name: name.replace(/_total$/, ""), type: "counter", help, samples }
    : { name, type: "gauge", help, samples };
};

/** prom-client lists a histogram's lines, buckets cumulative and in order, then `_sum` and `_count`. */
const histogramsOf = ({ values }: Described): MetricSample[] => {
  const all = new Map<
    string,
    { labels: Record<string, string>; bounds: number[]; counts: number[]; below: number; sum: number }
  >();
  for (const { metricName = "", labels, value } of values as (MetricValue<string> & { metricName?: string })[]) {
    const { le, ...own } = labels as Record<string, string | number>;
    const key = JSON.stringify(own);
    const one = all.get(key) ?? { labels: textLabels(own), bounds: [], counts: [], below: 0, sum: 0 };
    all.set(key, one);
    if (metricName.endsWith("_sum")) one.sum = value;
    if (!metricName.endsWith("_bucket")) continue;
    one.counts.push(value - one.below);
    one.below = value;
    if (le !== "+Inf") one.bounds.push(Number(le));
  }
  return [...all.values()].map(({ labels, bounds, counts, sum }) => ({
    labels,
    value: { bounds, counts, sum } satisfies HistogramValue,
  }));
};

const textLabels = (labels: Readonly<Record<string, string | number | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
