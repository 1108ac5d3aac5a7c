/** A real Prometheus on a loopback port, each test file its own. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { request } from "undici";
import { binaries } from "./build.ts";
import { freePorts, retryOnPortClash, startDaemon, temporaryDirectory } from "./daemon.ts";

export interface Scrape {
  job: string;
  /** host:port */
  target: string;
  intervalSeconds: number;
  /** Default /metrics. */
  path?: string;
  honorLabels?: boolean;
  honorTimestamps?: boolean;
  /** More labels on all series of this target. */
  labels?: Record<string, string>;
}

export interface PrometheusOptions {
  scrape?: Scrape[];
  /** Accept POST /api/v1/write. */
  remoteWriteReceiver?: boolean;
  /** Accept samples that are this much older than the newest (default 0: none). */
  outOfOrderSeconds?: number;
  /** A rules file's text (recording and alerting rules), evaluated every second unless a group says otherwise. */
  rules?: string;
  /** OpenMetrics text with timestamps, which it has in its storage from the start. */
  backfill?: string;
  /** More prometheus flags. */
  flags?: string[];
  readyWithinSeconds?: number;
}

export interface Sample {
  metric: Record<string, string>;
  /** Unix seconds. */
  time: number;
  value: number;
}

export interface Series {
  metric: Record<string, string>;
  values: { time: number; value: number }[];
}

export interface Target {
  job: string;
  url: string;
  health: "up" | "down" | "unknown";
  lastError: string;
  labels: Record<string, string>;
}

/** The HTTP API of a Prometheus. */
export interface PrometheusApi {
  /** http://127.0.0.1:port */
  readonly url: string;
  /** An instant query. `time` is in Unix seconds, default now. A scalar answers as one sample without labels. */
  query(promql: string, time?: number): Promise<Sample[]>;
  queryRange(promql: string, start: number, end: number, stepSeconds: number): Promise<Series[]>;
  targets(): Promise<Target[]>;
}

export interface Prometheus extends PrometheusApi {
  readonly pid: number;
  log(lines?: number): string;
  /** Ends it, and starts it anew on the same port and storage. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPrometheus(options: PrometheusOptions = {}): Promise<Prometheus> {
  const { prometheus, promtool } = await binaries({ needed: ["prometheus", "promtool"] });
  return retryOnPortClash(() => start(prometheus, promtool, options));
}

async function start(binary: string, promtool: string, options: PrometheusOptions): Promise<Prometheus> {
  const directory = temporaryDirectory("prometheus");
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;

  const rulesPath = join(directory.path, "rules.yml");
  if (options.rules !== undefined) writeFileSync(rulesPath, options.rules);
  const config = {
    global: { evaluation_interval: "1s" },
    scrape_configs: (options.scrape ?? []).map(scrapeConfig),
    ...(options.rules !== undefined && { rule_files: [rulesPath] }),
    ...(options.outOfOrderSeconds && {
      storage: { tsdb: { out_of_order_time_window: `${options.outOfOrderSeconds}s` } },
    }),
  };
  const configPath = join(directory.path, "prometheus.yml");
  writeFileSync(configPath, JSON.stringify(config)); // JSON is YAML

  if (options.backfill !== undefined) {
    const text = join(directory.path, "backfill.om");
    writeFileSync(text, options.backfill);
    const args = ["tsdb", "create-blocks-from", "openmetrics", text, join(directory.path, "data")];
    await promisify(execFile)(promtool, args, { maxBuffer: 1 << 24 });
  }
  const args = [
    `--config.file=${configPath}`,
    `--storage.tsdb.path=${join(directory.path, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=warn",
    ...(options.remoteWriteReceiver ? ["--web.enable-remote-write-receiver"] : []),
    ...(options.flags ?? []),
  ];
  let daemon = startDaemon("prometheus", binary, args, directory.path);
  async function stop() {
    await daemon.stop(5);
    directory.remove();
  }
  async function ready() {
    await daemon.ready(async () => {
      const answer = await request(`${url}/-/ready`);
      await answer.body.dump();
      return answer.statusCode === 200;
    }, options.readyWithinSeconds ?? 30);
  }
  try {
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    ...connectPrometheus(url),
    get pid() {
      return daemon.pid;
    },
    log: (lines) => daemon.log(lines),
    async restart() {
      await daemon.stop(10);
      daemon = startDaemon("prometheus", binary, args, directory.path);
      await ready();
    },
    stop,
  };
}

/** One that runs already. */
export function connectPrometheus(url: string): PrometheusApi {
  async function api<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const { body } = await request(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await body.json()) as { status: string; data: T; error?: string };
    if (answer.status !== "success") {
      throw new Error(`Prometheus refused ${path} ${JSON.stringify(parameters)}: ${answer.error}`);
    }
    return answer.data;
  }

  return {
    url,
    async query(promql, time) {
      const data = await api<QueryData>("query", { query: promql, ...(time !== undefined && { time: String(time) }) });
      if (data.resultType === "vector") {
        return data.result.map(({ metric, value }) => ({ metric, ...point(value) }));
      }
      if (data.resultType === "scalar") return [{ metric: {}, ...point(data.result) }];
      throw new Error(`query() wants a vector or a scalar, and this is a ${data.resultType}: ${promql}`);
    },
    async queryRange(promql, start, end, stepSeconds) {
      const parameters = { query: promql, start: String(start), end: String(end), step: String(stepSeconds) };
      const data = await api<MatrixData>("query_range", parameters);
      return data.result.map(({ metric, values }) => ({ metric, values: values.map(point) }));
    },
    async targets() {
      const data = await api<{ activeTargets: ActiveTarget[] }>("targets", { state: "active" });
      return data.activeTargets.map((target) => ({
        job: target.labels["job"] ?? "",
        url: target.scrapeUrl,
        health: target.health,
        lastError: target.lastError,
        labels: target.labels,
      }));
    },
  };
}

function scrapeConfig(scrape: Scrape) {
  const interval = `${Math.round(scrape.intervalSeconds * 1000)}ms`;
  return {
    job_name: scrape.job,
    scrape_interval: interval,
    scrape_timeout: scrape.intervalSeconds < 10 ? interval : "10s",
    metrics_path: scrape.path ?? "/metrics",
    honor_labels: scrape.honorLabels ?? false,
    honor_timestamps: scrape.honorTimestamps ?? true,
    static_configs: [{ targets: [scrape.target], labels: scrape.labels ?? {} }],
  };
}

type Point = [time: number, value: string];

type QueryData =
  | { resultType: "vector"; result: { metric: Record<string, string>; value: Point }[] }
  | { resultType: "scalar"; result: Point }
  | { resultType: "matrix" | "string"; result: unknown };

interface MatrixData {
  result: { metric: Record<string, string>; values: Point[] }[];
}

interface ActiveTarget {
  labels: Record<string, string>;
  scrapeUrl: string;
  health: Target["health"];
  lastError: string;
}

function point([time, text]: Point): { time: number; value: number } {
  const value = text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
  return { time, value };
}
