import type { SimTime } from "../../sim/time.ts";
import type { ControllerTarget } from "../controller.ts";
import type { MonitoringServer } from "../monitoring-server.ts";

/** What came and how it was served over an interval; NaN where nothing can be said. */
export interface Traffic {
  readonly requests: number;
  /** Mean tokens of a prompt and of an output. */
  readonly isl: number;
  readonly osl: number;
  readonly ttftSeconds: number;
  readonly itlSeconds: number;
  readonly durationSeconds: number;
}

/** What one engine has to do, tokens. */
export interface EngineLoad {
  readonly queuedPrefill: number;
  readonly scheduledKv: number;
  readonly queuedKv: number;
}

/** Whose metrics tell of the traffic: Dynamo's frontend, as there, or the engines themselves where no such frontend runs. */
export type TrafficSource = "frontend" | "engines";

/** The planner's view of Prometheus (NVIDIA Dynamo, planner/monitoring/traffic_metrics.py). */
export class PlannerMetrics {
  readonly #monitoring: MonitoringServer;
  readonly #now: SimTime;

  constructor(monitoring: MonitoringServer, now: SimTime) {
    this.#monitoring = monitoring;
    this.#now = now;
  }

  /** @param entry target whose engines see a prompt first @param exit target whose engines make the tokens; the same where one does both */
  traffic(source: TrafficSource, entry: ControllerTarget, exit: ControllerTarget, intervalSeconds: number): Traffic {
    const within = `[${Math.max(1, Math.round(intervalSeconds))}s]`;
    return source === "frontend" ? this.#byFrontend(exit, within) : this.#byEngines(entry, exit, within);
  }

  #byFrontend({ model }: ControllerTarget, within: string): Traffic {
    // The frontend writes models in lower case.
    const of = `{model="${quoted(lowerCase(model))}"}`;
    const count = (name: string) => this.#one(`sum(increase(dynamo_frontend_${name}${of}${within}))`);
    const mean = (name: string) => this.#mean(`dynamo_frontend_${name}`, of, within);
    return {
      requests: count("requests_started_total") ?? count("requests_total") ?? Number.NaN,
      isl: mean("input_sequence_tokens"),
      osl: mean("output_sequence_tokens"),
      ttftSeconds: mean("time_to_first_token_seconds"),
      itlSeconds: mean("inter_token_latency_seconds"),
      durationSeconds: mean("request_duration_seconds"),
    };
  }

  #byEngines(entry: ControllerTarget, exit: ControllerTarget, within: string): Traffic {
    const mean = (name: string, target: ControllerTarget) => this.#mean(`vllm:${name}`, podsOf(target), within);
    return {
      requests: this.#one(`sum(increase(vllm:request_success_total${podsOf(exit)}${within}))`) ?? Number.NaN,
      isl: mean("request_prompt_tokens", exit),
      osl: mean("request_generation_tokens", exit),
      ttftSeconds: mean("time_to_first_token_seconds", entry),
      itlSeconds: mean("inter_token_latency_seconds", exit),
      durationSeconds: mean("e2e_request_latency_seconds", exit),
    };
  }

  /**
   * In place of the forward-pass metrics that Dynamo's workers send over its event plane: the engines' gauges, with the mean
   * prompt of the last 5 min for each waiting request. @returns one for each of the pods that has told something
   */
  loads(target: ControllerTarget, pods: ReadonlySet<string>): readonly EngineLoad[] {
    const of = podsOf(target);
    const usage = this.#byPod(`max by (pod) (vllm:kv_cache_usage_perc${of})`);
    const waiting = this.#byPod(`max by (pod) (vllm:num_requests_waiting${of})`);
    const prompt = this.#mean("vllm:request_prompt_tokens", of, "[5m]");
    const isl = Number.isFinite(prompt) ? prompt : 0;
    return [...usage.keys()]
      .filter((pod) => pods.has(pod))
      .sort()
      .map((pod) => {
        const queued = (waiting.get(pod) ?? 0) * isl;
        const scheduledKv = (usage.get(pod) as number) * target.engine.kvTokens;
        // What waits at a decode engine has its prompt computed already.
        const isDecode = target.role === "decode";
        return { scheduledKv, queuedPrefill: isDecode ? 0 : queued, queuedKv: isDecode ? queued : 0 };
      });
  }

  #mean(name: string, of: string, within: string): number {
    const answer = this.#one(`sum(increase(${name}_sum${of}${within})) / sum(increase(${name}_count${of}${within}))`);
    return answer ?? Number.NaN;
  }

  #one(text: string): number | undefined {
    const answer = this.#monitoring.query(text, this.#now);
    return answer.ok ? answer.elements[0]?.value : undefined;
  }

  #byPod(text: string): ReadonlyMap<string, number> {
    const answer = this.#monitoring.query(text, this.#now);
    const elements = answer.ok ? answer.elements : [];
    return new Map(elements.flatMap(({ labels, value }) => (labels.pod === undefined ? [] : [[labels.pod, value]])));
  }
}

/** A Deployment's pods are its name, the ReplicaSet's hash and a suffix; a StatefulSet's its name and an ordinal. */
const podsOf = ({ namespace, workload, model }: ControllerTarget): string =>
  `{namespace="${quoted(namespace)}",model_name="${quoted(model)}",pod=~"${workload.replaceAll(".", "[.]")}-([0-9a-z]+-[0-9a-z]+|[0-9]+)"}`;

const quoted = (text: string): string => text.replace(/["\\]/g, "\\$&");
const lowerCase = (text: string): string => text.toLowerCase();
