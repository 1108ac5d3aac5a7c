import type { EngineState, LinkTally, OffloadState } from "../../model/engine-state.ts";
import type { MetricSample } from "../../model/metric-family.ts";
import type { ReplicaMetric } from "../metric.ts";
import { eachRank, perRank, type Told } from "./vllm.ts";

// What vLLM's OffloadingConnector exports (September 2026: vllm/distributed/kv_transfer/kv_connector/v1/offloading/metrics.py,
// vllm/v1/kv_offload/{cpu,tiering}), as far as it is simulated. Gauges are there from the start; counters and histograms appear
// with the first that they count, but for the three that are deprecated.

type Value = MetricSample["value"] | undefined;

const ofOffload =
  (read: (offload: OffloadState) => Value) =>
  ({ offload }: EngineState): Value =>
    offload === undefined ? undefined : read(offload);

const gauge = (row: Told, read: (offload: OffloadState) => number): ReplicaMetric =>
  perRank(row, "gauge", ofOffload(read));

/** There once it is above 0. */
const counter = (row: Told, read: (offload: OffloadState) => number): ReplicaMetric =>
  perRank(
    row,
    "counter",
    ofOffload((offload) => read(offload) || undefined),
  );

const histogram = (row: Told, read: (offload: OffloadState) => LinkTally["sizes"]): ReplicaMetric =>
  perRank(
    row,
    "histogram",
    ofOffload((offload) => {
      const observed = read(offload);
      return observed.count === 0 ? undefined : observed.value();
    }),
  );

/** Of the tier below host memory. */
const tierCounter = (row: Told, read: (tier: NonNullable<OffloadState["tier"]>) => number): ReplicaMetric => ({
  ...row,
  type: "counter",
  samples: (view) => {
    const [first = view.state] = view.state.ranks ?? [];
    const name = first.offload?.tier?.name;
    if (name === undefined) return [];
    const value = ofOffload(({ tier }) => (tier === undefined ? undefined : read(tier) || undefined));
    return eachRank(view, value, { tier: name });
  },
});

const deprecated = (
  row: Told,
  type: "counter" | "histogram",
  read: (tally: LinkTally) => MetricSample["value"],
): ReplicaMetric => ({
  ...row,
  type,
  samples: (view) => [
    ...eachRank(
      view,
      ofOffload(({ load }) => read(load)),
      { transfer_type: "CPU_to_GPU" },
    ),
    ...eachRank(
      view,
      ofOffload(({ store }) => read(store)),
      { transfer_type: "GPU_to_CPU" },
    ),
  ],
});

export const vllmOffloadMetrics: readonly ReplicaMetric[] = [
  counter(
    { name: "vllm:kv_offload_load_bytes", help: "Total bytes loaded from offload storage to GPU." },
    ({ load }) => load.bytes,
  ),
  counter(
    { name: "vllm:kv_offload_load_time", help: "Total load time from offload storage to GPU, in seconds." },
    ({ load }) => load.micros / 1e6,
  ),
  histogram(
    { name: "vllm:kv_offload_load_size", help: "Histogram of KV offload load operation size, in bytes." },
    ({ load }) => load.sizes,
  ),
  counter(
    { name: "vllm:kv_offload_store_bytes", help: "Total bytes stored from GPU to offload storage." },
    ({ store }) => store.bytes,
  ),
  counter(
    { name: "vllm:kv_offload_store_time", help: "Total store time from GPU to offload storage, in seconds." },
    ({ store }) => store.micros / 1e6,
  ),
  histogram(
    { name: "vllm:kv_offload_store_size", help: "Histogram of KV offload store operation size, in bytes." },
    ({ store }) => store.sizes,
  ),
  counter(
    {
      name: "vllm:kv_offload_allocation_failure",
      help: "Number of KV offload store allocation attempts that failed.",
    },
    ({ failures }) => failures,
  ),
  histogram(
    {
      name: "vllm:kv_offload_cpu_allocation_size",
      help: "Histogram of the number of CPU blocks requested by each KV offload prepare_store call.",
    },
    ({ allocations }) => allocations,
  ),
  gauge(
    {
      name: "vllm:kv_offload_cpu_cache_usage_perc",
      help: "Fraction of CPU KV-cache space currently pinned by active transfers (0.0 = idle, 1.0 = saturated). Sustained high values indicate transfers (stores or promotions) may be dropped due to insufficient capacity.",
    },
    ({ reading, writing }) => reading + writing,
  ),
  gauge(
    {
      name: "vllm:kv_offload_cpu_cache_write_usage_perc",
      help: "Fraction of CPU KV-cache space currently pinned by in-flight stores that have not yet completed (0.0 = idle, 1.0 = saturated).",
    },
    ({ writing }) => writing,
  ),
  gauge(
    {
      name: "vllm:kv_offload_cpu_cache_read_usage_perc",
      help: "Fraction of CPU KV-cache space currently pinned by in-flight loads that have not yet completed (0.0 = idle, 1.0 = saturated).",
    },
    ({ reading }) => reading,
  ),
  tierCounter(
    {
      name: "vllm:kv_offload_tiering_read_bytes",
      help: "Total bytes read from secondary tiers into the primary tier.",
    },
    ({ readBytes }) => readBytes,
  ),
  tierCounter(
    {
      name: "vllm:kv_offload_tiering_write_bytes",
      help: "Total bytes written from the primary tier to secondary tiers.",
    },
    ({ writtenBytes }) => writtenBytes,
  ),
  deprecated(
    { name: "vllm:kv_offload_total_bytes", help: "Number of bytes offloaded by KV connector" },
    "counter",
    ({ bytes }) => bytes,
  ),
  deprecated(
    { name: "vllm:kv_offload_total_time", help: "Total time measured by all KV offloading operations" },
    "counter",
    ({ micros }) => micros / 1e6,
  ),
  deprecated(
    { name: "vllm:kv_offload_size", help: "Histogram of KV offload transfer size, in bytes." },
    "histogram",
    ({ sizes }) => sizes.value(),
  ),
];
