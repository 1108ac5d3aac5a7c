import type {
  FindingView,
  RunView,
  SimulationDetail,
  SpreadView,
  SyncView,
  TimelineView,
} from "../../src/server/view.ts";

const one = (mean: number): SpreadView => ({ mean, p10: mean, p90: mean });

/** Six hours with a spike, in buckets of a minute. */
export const timeline = (): TimelineView => {
  const atSeconds = Array.from({ length: 360 }, (_, i) => i * 60);
  const load = atSeconds.map(
    (at) => 4 + 3 * Math.sin((at / 21_600) * 2 * Math.PI - 1) + (at > 12_000 && at < 14_400 ? 9 : 0),
  );
  const wanted = load.map((rate) => Math.max(1, Math.ceil(rate / 3)));
  const ready = wanted.map((_, i) => wanted[Math.max(0, i - 3)] as number);
  const waiting = load.map((rate, i) => Math.max(0, (rate - 3.1 * (ready[i] as number)) * 40));
  const ttft = waiting.map((count, i) => (i > 100 && i < 106 ? 0 : 0.08 + count * 0.02));
  return {
    bucketSeconds: 60,
    atSeconds,
    columns: {
      arrivalsPerSecond: load,
      completionsPerSecond: load.map((rate) => rate * 0.98),
      replicasWanted: wanted,
      replicasReady: ready,
      waiting,
      running: load.map((rate) => rate * 9),
      kvUsageRatio: load.map((rate) => rate / 20),
      ttftMeanSeconds: ttft,
      ttftP50Seconds: ttft.map((seconds) => seconds * 0.8),
      ttftP99Seconds: ttft.map((seconds) => seconds * 3),
      outputTokensPerSecond: load.map((rate) => rate * 210),
    },
  };
};

const group = {
  requests: 97_188,
  completed: 94_056,
  failed: 3,
  ttftP50Seconds: 0.084,
  ttftP99Seconds: 9.87,
  tpotP99Seconds: 0.0231,
  e2eP99Seconds: 14.2,
  outputTokensPerSecond: 871,
};

const finding: FindingView = {
  name: "scale-in-aborts-streams",
  severity: "error",
  object: "HorizontalPodAutoscaler/inference/vllm-llama-8b",
  field: "spec.metrics[0]",
  message: "scale-in cut 12 streams whose clients were still reading",
  evidence: { streams: 12 },
  fix: "let pods drain",
};

const sync: SyncView = {
  atSeconds: 12_135,
  currentReplicas: 2,
  desiredReplicas: 4,
  proposal: 9,
  stabilised: 9,
  limitedBy: "ScaleUpLimit",
  reason: "pods metric vllm:num_requests_waiting above target",
  metrics: [{ name: "vllm:num_requests_waiting", seen: 42, truth: 55, target: 10, proposal: 9 }],
};

const run = (): RunView => ({
  scenario: "baseline",
  seed: 7,
  digest: "3f5a9c0d1e2b4a6788990011223344556677",
  horizonSeconds: 21_600,
  warmUpSeconds: 600,
  kpis: {},
  timeline: timeline(),
  groups: {
    rows: [
      { ...group, kind: "class", name: "interactive", sloAttainmentRatio: 0.913 },
      { ...group, kind: "class", name: "batch", requests: 12_000, failed: 3132, ttftP99Seconds: 41.2 },
      { ...group, kind: "tenant", name: "a-tenant-with-a-rather-long-name" },
    ],
    leftOut: 3,
  },
  findings: [finding, { ...finding, severity: "warning", message: "the replicas changed direction 31 times" }],
  syncs: [
    {
      autoscaler: "inference/vllm-llama-8b",
      syncs: 1440,
      rows: [sync, { ...sync, atSeconds: 12_150, currentReplicas: 4, reason: "ReadyForNewScale" }],
      leftOut: { unchanged: 1438, changed: 0 },
    },
  ],
  scaleEvents: [
    {
      atSeconds: 12_135,
      workload: "vllm-llama-8b",
      from: 2,
      to: 4,
      by: "HorizontalPodAutoscaler/inference/vllm-llama-8b",
      reason: "pods metric vllm:num_requests_waiting above target",
    },
  ],
  notes: ["41 requests were in flight at the end"],
});

export const preview = (over: Partial<SimulationDetail> = {}): SimulationDetail => ({
  namespace: "inference",
  name: "chat",
  mode: "Preview",
  phase: "Failed",
  verdict: "Failed",
  conditions: [
    {
      type: "Ready",
      status: "False",
      reason: "ObjectivesNotMet",
      message: "5 runs of 6.00 h simulated; the objectives are not met",
    },
    {
      type: "Stalled",
      status: "True",
      reason: "ObjectivesNotMet",
      message: "5 runs of 6.00 h simulated; the objectives are not met",
    },
  ],
  warnings: ["Deployment/inference/vllm-llama-8b: the image's tag is not a version; vLLM 0.22 is assumed"],
  objectives: [
    {
      metric: "ttft",
      percentile: 99,
      atMost: "800ms",
      observed: { mean: 9.87, p10: 8.1, p90: 11.3 },
      verdict: "Failed",
    },
    { metric: "gpuHours", atMost: "20", observed: one(14.2), verdict: "Passed" },
  ],
  kpis: {
    ttftMeanSeconds: one(0.61),
    ttftP50Seconds: one(0.084),
    ttftP99Seconds: { mean: 9.87, p10: 8.1, p90: 11.3 },
    ttftMaxSeconds: one(31.2),
    itlP50Seconds: one(0.0081),
    itlP99Seconds: one(0.0231),
    e2eP50Seconds: one(1.9),
    e2eP99Seconds: one(14.2),
    requestsPerSecond: one(4.91),
    outputTokensPerSecond: one(1032),
    requestsCompleted: one(106_012),
    requestsFailed: one(3135),
    requestsShed: one(3000),
    requestsExpired: one(132),
    requestsRejected: one(3),
    requestsAborted: one(0),
    requestsInFlightAtEnd: one(41),
    replicasMean: one(2.37),
    replicasMin: one(1),
    replicasMax: one(6),
    scaleUps: one(7),
    scaleDowns: one(6),
    gpuHours: one(14.2),
  },
  spec: { mode: "Preview", workload: { synthetic: {} } },
  status: { phase: "Failed" },
  mirrored: [
    {
      path: "workloads[0].engine.maxNumSeqs",
      value: "256",
      from: "Deployment/inference/vllm-llama-8b spec.template.spec.containers[0].args[5]",
    },
    { path: "workloads[0].engine.blockSize", value: "16", from: "default: vLLM 0.22" },
  ],
  derivation: [
    {
      source: "Deployment/inference/vllm-llama-8b",
      fields: [
        {
          field: "spec.template.spec.containers[0].args[5]",
          values: [{ path: "workloads[0].engine.maxNumSeqs", value: "256" }],
        },
      ],
    },
    {
      source: "defaults",
      fields: [
        {
          field: "vLLM 0.22",
          values: [
            { path: "workloads[0].engine.blockSize", value: "16" },
            { path: "workloads[0].engine.prefixCaching", value: "true" },
          ],
        },
      ],
    },
  ],
  runs: [run()],
  ...over,
});

export const shadow = (): SimulationDetail => ({
  ...preview(),
  name: "chat-shadow",
  mode: "Shadow",
  phase: "Following",
  conditions: [
    { type: "Ready", status: "True", reason: "Following", message: "follows the wall clock" },
    { type: "Stalled", status: "False", reason: "Following", message: "" },
  ],
  objectives: [],
  warnings: [],
  simulatedSeconds: 5400,
  lagSeconds: 0.1,
});

/** Every text that comes from outside is as hostile as can be. */
export const hostile = (): SimulationDetail => {
  const evil = `<script>alert("x")</script><img src=x onerror='alert(1)'>&amp;`;
  const plain = preview();
  return {
    ...plain,
    name: evil,
    mode: evil,
    phase: evil,
    verdict: evil,
    conditions: [{ type: "Ready", status: "False", reason: evil, message: evil }],
    warnings: [evil],
    objectives: [{ metric: evil, atMost: evil, verdict: evil }],
    spec: { text: evil },
    status: { text: evil },
    mirrored: [{ path: evil, value: evil, from: evil }],
    derivation: [{ source: evil, fields: [{ field: evil, values: [{ path: evil, value: evil }] }] }],
    runs: plain.runs.map((of) => ({
      ...of,
      scenario: evil,
      digest: evil,
      notes: [evil],
      findings: [
        { ...finding, severity: evil, object: evil, field: evil, message: evil, evidence: { [evil]: 1 }, fix: evil },
      ],
      syncs: [
        {
          autoscaler: evil,
          syncs: 1,
          rows: [
            {
              ...sync,
              limitedBy: evil,
              reason: evil,
              error: evil,
              metrics: [{ name: evil, seen: 1, target: 1, proposal: 1 }],
            },
          ],
          leftOut: { unchanged: 0, changed: 0 },
        },
      ],
      groups: { rows: [{ ...group, kind: evil, name: evil }], leftOut: 0 },
      scaleEvents: [{ atSeconds: 1, workload: evil, from: 1, to: 2, by: evil, reason: evil }],
    })),
  };
};
