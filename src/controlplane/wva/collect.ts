import type { SimTime } from "../../sim/time.ts";
import type { MonitoringServer, QueryElement } from "../monitoring-server.ts";
import type { PickerQueue } from "./saturation-tokens.ts";
import type { ReplicaSignals } from "./variant.ts";

/**
 * The queries of llm-d WVA (internal/collector/registration) and what becomes of their answers (internal/collector
 * CollectReplicaMetrics).
 */
export class ReplicaCollector {
  readonly #monitoring: MonitoringServer;
  readonly #now: SimTime;

  constructor(monitoring: MonitoringServer, now: SimTime) {
    this.#monitoring = monitoring;
    this.#now = now;
  }

  /**
   * @param variantOf whose pod it is; undefined: nobody's, and it is passed over
   * @returns one per pod with a KV usage or a queue, in order of pod; undefined: a query failed that the analysis can't do without
   */
  replicas(
    model: string,
    namespace: string,
    variantOf: (pod: string) => string | undefined,
  ): readonly ReplicaSignals[] | undefined {
    const of = `{namespace="${quoted(namespace)}",model_name="${quoted(model)}"}`;
    const kv = this.#byPod(`max by (pod) (max_over_time(vllm:kv_cache_usage_perc${of}[1m]))`);
    const queue = this.#byPod(`max by (pod) (max_over_time(vllm:num_requests_waiting${of}[1m]))`);
    if (kv === undefined || queue === undefined) return undefined;
    const cache = this.#ask(`max by (pod, num_gpu_blocks, block_size) (vllm:cache_config_info${of})`) ?? [];
    const mean = (name: string) =>
      this.#byPod(`max by (pod) (rate(vllm:${name}_sum${of}[5m]) / rate(vllm:${name}_count${of}[5m]))`);
    const output = mean("request_generation_tokens");
    const input = mean("request_prompt_tokens");
    const hits = this.#byPod(
      `max by (pod) (rate(vllm:prefix_cache_hits${of}[5m]) / rate(vllm:prefix_cache_queries${of}[5m]))`,
    );
    const tokens = new Map(cache.flatMap(({ labels }) => cacheTokens(labels)));
    return [...new Set([...kv.keys(), ...queue.keys()])].sort().flatMap((pod) => {
      const variant = variantOf(pod);
      if (variant === undefined) return [];
      const kvUsage = kv.get(pod) ?? 0;
      const kvTokens = tokens.get(pod) ?? 0;
      const hitRate = finite(hits?.get(pod));
      const signals: ReplicaSignals = {
        pod,
        variant,
        kvUsage,
        queue: Math.trunc(queue.get(pod) ?? 0),
        kvTokens,
        tokensInUse: Math.min(kvTokens, Math.max(0, Math.round(kvUsage * kvTokens))),
        inputTokens: finite(input?.get(pod)),
        outputTokens: finite(output?.get(pod)),
        hitRate: hitRate >= 0 && hitRate <= 1 ? hitRate : 0,
      };
      return [signals];
    });
  }

  /** What waits at the endpoint picker; nothing where it tells nothing. */
  pickerQueue(model: string): PickerQueue {
    const of = (name: string) =>
      `sum(${name}{target_model_name="${quoted(model)}"}) or sum(${name}{model_name="${quoted(model)}",target_model_name=""})`;
    const total = (name: string) =>
      (this.#ask(of(name)) ?? []).reduce((sum, { value }) => sum + Math.trunc(finite(value)), 0);
    return {
      requests: total("inference_extension_flow_control_queue_size"),
      bytes: total("inference_extension_flow_control_queue_bytes"),
    };
  }

  /** Requests that finished; undefined: no answer, or none of these series. @param window as PromQL writes it: `10m` */
  finished(model: string, namespace: string, window: string): number | undefined {
    const of = `{namespace="${quoted(namespace)}",model_name="${quoted(model)}"}`;
    return this.#ask(`sum(increase(vllm:request_success_total${of}[${window}]))`)?.[0]?.value;
  }

  #byPod(text: string): ReadonlyMap<string, number> | undefined {
    const elements = this.#ask(text);
    return elements && new Map(elements.flatMap(({ labels, value }) => podOf(labels, value)));
  }

  #ask(text: string): readonly QueryElement[] | undefined {
    const answer = this.#monitoring.query(text, this.#now);
    return answer.ok ? answer.elements : undefined;
  }
}

const podOf = (labels: QueryElement["labels"], value: number): [string, number][] => {
  const pod = labels.pod || labels.pod_name || "";
  return pod === "" ? [] : [[pod, value]];
};

const cacheTokens = (labels: QueryElement["labels"]): [string, number][] => {
  const [blocks, size] = [Number(labels.num_gpu_blocks), Number(labels.block_size)];
  return blocks > 0 && size > 0 ? podOf(labels, blocks * size) : [];
};

const finite = (value: number | undefined): number => (value !== undefined && Number.isFinite(value) ? value : 0);

/** As a PromQL string in double quotes takes it. */
const quoted = (text: string): string => text.replace(/["\\]/g, "\\$&");
