/** Good and bad InferenceSimulations: one table for zod, for the CRD's schema (by ajv) and for the real API server. */

// biome-ignore lint/suspicious/noExplicitAny: the tables break objects in every way
type Anything = any;

const lengths = {
  constant: { distribution: "constant", tokens: 256 },
  normal: { distribution: "normal", mean: 300, deviation: 60 },
};

const client = (name: string, more: object = {}) => ({
  name,
  rate: 2.5,
  prompt: lengths.normal,
  output: lengths.constant,
  ...more,
});

export const simulation = (name: string, spec: object): Anything => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name },
  spec,
});

const mirror = { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] };
const synthetic = (...clients: object[]) => ({ synthetic: { clients } });
const trace = (more: object) => ({ trace: { format: "azure-2023", ...more } });

export const GOOD: readonly Anything[] = [
  simulation("least", { mirror, workload: synthetic(client("chat")) }),
  simulation("every-client", {
    mirror,
    workload: synthetic(
      client("members", {
        members: 20,
        requests: 1000,
        arrival: { process: "weibull", cv: 3 },
        pattern: [
          {
            shape: "windows",
            windows: [
              { start: "0s", end: "5m", factor: 2 },
              { start: "6m", end: "7m" },
            ],
          },
        ],
        prompt: { distribution: "exponential", mean: 300 },
        output: { distribution: "uniform", min: 5, max: 50 },
        capOutput: true,
        prefix: { tokens: 64, groups: 3, name: "docs", perMember: true },
        media: [{ kind: "image", share: 0.5, count: lengths.constant, tokens: lengths.constant, distinct: 9 }],
        session: { rounds: 3, thinkTime: { mean: "3s", deviation: "1s" }, contextGrowth: "none", single: true },
        timeout: "30s",
        retry: { attempts: 4, base: "500ms", factor: 3, jitter: 0.5, after: ["shed", "timed-out"] },
        network: { rtt: "40ms", bandwidthMbps: 10 },
        sloClass: "critical",
        slo: { ttft: "400ms", tpot: "20ms" },
        tenant: "acme",
        model: "llama",
        adapter: "sql",
        priority: -3,
        cacheSalt: "x",
      }),
      { name: "workers", workers: { count: 8 }, prompt: lengths.normal, output: lengths.constant },
      client("bursts", { arrival: { process: "on-off", burst: "3s", pause: "9s", pauseShare: 0.1 } }),
    ),
  }),
  simulation("agents", {
    mirror,
    workload: trace({ format: "agentic-coding", path: "a.json", sessions: "open-loop", retry: {} }),
  }),
  simulation("images", { mirror, workload: trace({ format: "azure-2025", path: "a.csv.gz", imageTokens: 1024 }) }),
  simulation("profile", {
    mirror,
    workload: { profile: { format: "inference-perf", configMap: { name: "a", key: "b" } } },
  }),
  simulation("preset", { mirror, workload: { profile: { preset: "mixed-slo", rate: 3 } } }),
  simulation("model-of-ones-own", {
    mirror,
    overrides: {
      hardware: { gpu: "RTX-4090", bf16Tflops: 165.2, memoryGiB: 24, memoryBandwidthTBs: 1.008 },
      model: {
        id: "acme/moe",
        config: { configMap: { name: "models", key: "config.json" } },
        tieWordEmbeddings: true,
        slidingWindow: 512,
        slidingLayers: 20,
        moe: { experts: 64, expertsPerToken: 4, expertIntermediate: 1024 },
      },
    },
    workload: synthetic(client("chat")),
  }),
  simulation("every-choice", {
    mode: "Preview",
    mirror: {
      workloads: [{ name: "a" }, { name: "b" }],
      autoscaler: { name: "hpa", driver: "Simulated" },
      router: { kind: "InferencePool", name: "pool" },
    },
    overrides: {
      replicas: 3,
      hardware: { gpu: "H100" },
      model: { layers: 32, hidden: 4096, heads: 32, kvHeads: 8, headDim: 128, intermediate: 14_336, vocab: 128_256 },
      engine: {
        mode: "vllm",
        maxNumSeqs: 256,
        schedulingPolicy: "priority",
        maxQueuedRequests: 64,
        maxQueuedTokens: 100_000,
        overheadGiB: 2.5,
        latencyCorrections: { weightReadFactor: 1.2, perStepMicros: 700, stepFactor: 1.1, stepDeviation: 0.03 },
        speculation: { tokens: 3, acceptance: [0.8, 0.7] },
        lora: { gpuLoad: "5ms", diskLoad: "1s" },
        offload: { hostBlocks: 4096, latency: "1ms" },
      },
      start: { schedule: { mean: "2s" }, modelLoad: { mean: "1m30s", deviation: "10s" } },
      gateway: {
        policy: { policy: "least-queue" },
        scrapeInterval: "50ms",
        metricsStaleness: "2s",
        pickers: 2,
        requestTimeout: "0s",
        priorities: { batch: -1 },
      },
      metrics: {
        scrapeInterval: "15s",
        prometheusAdapter: {
          configMap: { name: "prometheus-adapter", key: "config.yaml" },
          relistInterval: "1m",
          maxAge: "5m",
        },
      },
      autoscaler: { syncPeriod: "15s", downscaleStabilization: "5m", tolerance: 0.1 },
    },
    workload: {
      synthetic: {
        clients: [
          client("gamma", {
            arrival: { process: "gamma", cv: 2 },
            prefix: { tokens: 512, groups: 3 },
            sloClass: "critical",
          }),
          client("poisson", {
            arrival: { process: "poisson" },
            prompt: { distribution: "lognormal", mean: 900, deviation: 1200, min: 4, max: 8000 },
          }),
          client("constant", {
            arrival: { process: "constant" },
            output: { distribution: "empirical", points: [{ tokens: 3, weight: 1 }] },
          }),
        ],
        pattern: [
          { shape: "constant" },
          { shape: "step", at: "10m", factor: 2 },
          { shape: "ramp", at: "20m", duration: "5m", from: 0.5, to: 3 },
          { shape: "spike", at: "1h", duration: "90s", factor: 8 },
          { shape: "diurnal", peakToTrough: 4 },
        ],
      },
    },
    objectives: [
      { metric: "ttft", percentile: 99, atMost: "800ms" },
      { metric: "itl", atMost: "0.05s" },
      { metric: "errorRatio", atMost: "0.01" },
      { metric: "gpuHours", atMost: "48" },
      { metric: "gpuHours", atMost: "+10%" },
      { metric: "e2e", percentile: 95, atMost: "+2.5%" },
      { metric: "tpot", sloClass: "critical", percentile: 99, atMost: "30ms" },
      { metric: "sloAttainment", sloClass: "critical", atLeast: "0.99" },
    ],
    slo: [
      { sloClass: "critical", ttft: "500ms", tpot: "30ms", e2e: "20s" },
      { sloClass: "batch", e2e: "10m" },
    ],
    saturation: { detector: "threshold", e2eThreshold: "8s", window: "10m" },
    run: { horizon: "1d12h", warmUp: "10m", seed: 7, replications: 5 },
    export: { naming: "Prefixed", labels: { team: "inference", _cell: "b" } },
  }),
  simulation("candidates", {
    mirror,
    workload: synthetic(client("chat")),
    candidates: [
      {
        name: "merged",
        patches: [{ target: { kind: "HorizontalPodAutoscaler" }, merge: { spec: { minReplicas: 2 } } }],
      },
      {
        name: "operated",
        patches: [
          {
            target: { kind: "Deployment", name: "vllm-llama-8b" },
            json6902: [
              { op: "replace", path: "/spec/replicas", value: 3 },
              { op: "move", from: "/a", path: "/b" },
              { op: "add", path: "/c", value: { any: ["thing", 1] } },
            ],
          },
          { target: { kind: "HorizontalPodAutoscaler" }, replace: { kind: "HorizontalPodAutoscaler", spec: {} } },
        ],
      },
    ],
  }),
  simulation("trace-path", {
    mirror,
    workload: trace({ path: "traces/azure.csv.gz", rateScale: 0.5, startOffset: "1h" }),
  }),
  simulation("trace-config-map", {
    mirror,
    workload: trace({ configMap: { name: "azure", key: "trace.csv.gz" }, onError: "Skip" }),
  }),
  simulation("trace-with-sessions", {
    mirror,
    workload: trace({ format: "blis-v2", path: "a.yaml", sessions: "closed-loop", contextGrowth: "recorded" }),
  }),
  simulation("synthetic-sessions", {
    mirror,
    workload: synthetic(
      client("agent", {
        timeout: "300s",
        session: { rounds: 5, thinkTime: { mean: "4s", deviation: "2s" }, contextGrowth: "none" },
      }),
      client("chat", { session: { rounds: 1, thinkTime: { mean: "0s" } } }),
    ),
  }),
  simulation("trace-url", { mirror, workload: trace({ url: "https://traces.example.com/a.csv" }) }),
  simulation("shadow-external", {
    mode: "Shadow",
    replicas: 4,
    mirror: { ...mirror, autoscaler: { driver: "External" } },
    workload: synthetic(client("chat")),
    run: { speed: 60, warmUp: "2h" },
  }),
  simulation("nulls", {
    mirror: { ...mirror, autoscaler: null },
    overrides: null,
    workload: synthetic(client("chat")),
    run: { seed: null },
  }),
];

export interface Bad {
  readonly name: string;
  readonly break: (object: Anything) => void;
  /** The field that the problem names. */
  readonly field: string;
  /** Part of the message or of the fix. */
  readonly says: string;
  /**
   * Who can see it besides zod: the plain schema; the API server's strict decoding; its rules over several fields (CEL, keyed
   * lists); none of them.
   */
  readonly by: "schema" | "strict" | "rule" | "zod";
  /** What the API server names, where it isn't `field`. */
  readonly serverNames?: string;
}

const spec =
  (change: (spec: Anything) => void) =>
  (object: Anything): void =>
    change(object.spec);
const firstClient = (change: (client: Anything) => void) => spec((s) => change(s.workload.synthetic.clients[0]));

/** Each breaks the first of `GOOD` in one way. */
export const BAD: readonly Bad[] = [
  // ---- unknown fields
  {
    name: "unknown field at the top",
    break: (o) => (o.sepc = {}),
    field: "sepc",
    says: "did you mean `spec`?",
    by: "strict",
  },
  {
    name: "unknown field of spec",
    break: spec((s) => (s.wokload = {})),
    field: "spec.wokload",
    says: "did you mean `workload`?",
    by: "strict",
  },
  {
    name: "unknown field, deep",
    break: spec((s) => (s.run = { horizn: "1h" })),
    field: "spec.run.horizn",
    says: "did you mean `horizon`?",
    by: "strict",
  },
  {
    name: "unknown correction",
    break: spec((s) => (s.overrides = { engine: { latencyCorrections: { weightReadFaktor: 1.2 } } })),
    field: "spec.overrides.engine.latencyCorrections.weightReadFaktor",
    says: "did you mean `weightReadFactor`?",
    by: "strict",
  },
  {
    name: "unknown field in a list",
    break: firstClient((c) => (c.Rate = 1)),
    field: "spec.workload.synthetic.clients[0].Rate",
    says: "did you mean `rate`?",
    by: "strict",
  },
  {
    name: "unknown field like nothing",
    break: spec((s) => (s.run = { colour: 1 })),
    field: "spec.run.colour",
    says: "known here: horizon, warmUp, seed, replications, speed",
    by: "strict",
  },
  {
    name: "__proto__ as a field",
    break: (o) => Object.defineProperty(o.spec, "__proto__", { value: {}, enumerable: true }),
    field: "spec.__proto__",
    says: "not allowed",
    by: "strict",
  },

  // ---- missing fields
  { name: "no spec", break: (o) => delete o.spec, field: "spec", says: "is required", by: "schema" },
  { name: "no mirror", break: spec((s) => delete s.mirror), field: "spec.mirror", says: "is required", by: "schema" },
  {
    name: "nothing to mirror",
    break: spec((s) => (s.mirror.workloads = [])),
    field: "spec.mirror.workloads",
    says: "at least 1 entries, has 0",
    by: "schema",
  },
  {
    name: "client without a rate",
    break: firstClient((c) => delete c.rate),
    field: "spec.workload.synthetic.clients[0].rate",
    says: "exactly one of rate and workers must be set",
    by: "rule",
  },
  {
    name: "unknown preset",
    break: spec((s) => (s.workload = { profile: { preset: "chatbots", rate: 3 } })),
    field: "spec.workload.profile.preset",
    says: "did you mean `chatbot`?",
    by: "schema",
  },
  {
    name: "preset with a format",
    break: spec((s) => (s.workload = { profile: { preset: "chatbot", rate: 3, format: "blis-v2" } })),
    field: "spec.workload.profile.format",
    says: "a preset has none",
    by: "rule",
  },
  {
    name: "preset without a rate",
    break: spec((s) => (s.workload = { profile: { preset: "chatbot" } })),
    field: "spec.workload.profile.rate",
    says: "rate goes with a preset",
    by: "rule",
  },
  {
    name: "profile from two places",
    break: spec((s) => (s.workload = { profile: { format: "blis-v2", path: "a.yaml", inline: "b" } })),
    field: "spec.workload.profile",
    says: "exactly one of path, configMap, inline and preset",
    by: "rule",
  },
  {
    name: "windows out of order",
    break: firstClient((c) => {
      c.pattern = [
        {
          shape: "windows",
          windows: [
            { start: "5m", end: "6m" },
            { start: "1m", end: "2m" },
          ],
        },
      ];
    }),
    field: "spec.workload.synthetic.clients[0].pattern[0].windows",
    says: "windows must stand in order of time",
    by: "zod",
  },
  {
    name: "workers with a session",
    break: firstClient((c) => {
      delete c.rate;
      c.workers = { count: 3 };
      c.session = { rounds: 2, thinkTime: { mean: "1s" } };
    }),
    field: "spec.workload.synthetic.clients[0].workers",
    says: "workers come as they finish",
    by: "rule",
  },
  {
    name: "weibull gaps that no shape has",
    break: firstClient((c) => (c.arrival = { process: "weibull", cv: 11 })),
    field: "spec.workload.synthetic.clients[0].arrival.cv",
    says: "must be at most 10.4 for weibull",
    by: "rule",
  },
  {
    name: "choice without its name",
    break: firstClient((c) => (c.arrival = {})),
    field: "spec.workload.synthetic.clients[0].arrival.process",
    says: "set it to one of poisson, gamma, weibull, on-off, constant",
    by: "schema",
  },

  // ---- wrong types
  {
    name: "text for a number",
    break: firstClient((c) => (c.rate = "fast")),
    field: "spec.workload.synthetic.clients[0].rate",
    says: 'must be a number, got "fast"',
    by: "schema",
  },
  {
    name: "number for a text",
    break: spec((s) => (s.objectives = [{ metric: "errorRatio", atMost: 0.1 }])),
    field: "spec.objectives[0].atMost",
    says: 'put it in quotes: "0.1"',
    by: "schema",
  },
  {
    name: "list for a map",
    break: spec((s) => (s.run = [])),
    field: "spec.run",
    says: "must be a map of fields, got a list",
    by: "schema",
  },
  {
    name: "map for a list",
    break: spec((s) => (s.mirror.workloads = {})),
    field: "spec.mirror.workloads",
    says: "must be a list, got a map",
    by: "schema",
  },
  {
    name: "fraction for a whole number",
    break: spec((s) => (s.run = { seed: 1.5 })),
    field: "spec.run.seed",
    says: "must be a whole number, got 1.5",
    by: "schema",
  },

  // ---- unknown values
  {
    name: "unknown mode",
    break: spec((s) => (s.mode = "preview")),
    field: "spec.mode",
    says: "did you mean `Preview`?",
    by: "schema",
  },
  {
    name: "unknown kind of workload",
    break: spec((s) => (s.mirror.workloads[0].kind = "Pod")),
    field: "spec.mirror.workloads[0].kind",
    says: "must be one of Deployment, StatefulSet, LeaderWorkerSet, Rollout",
    by: "schema",
  },
  {
    name: "unknown choice",
    break: firstClient((c) => (c.arrival = { process: "gama" })),
    field: "spec.workload.synthetic.clients[0].arrival.process",
    says: "did you mean `gamma`?",
    by: "schema",
  },
  {
    name: "unknown trace format",
    break: spec((s) => (s.workload = trace({ format: "azure", path: "a" }))),
    field: "spec.workload.trace.format",
    says: "did you mean `azure-2023`?",
    by: "schema",
  },

  // ---- bounds and formats
  {
    name: "negative rate",
    break: firstClient((c) => (c.rate = -1)),
    field: "spec.workload.synthetic.clients[0].rate",
    says: "got -1",
    by: "schema",
  },
  {
    name: "no tokens at all",
    break: firstClient((c) => (c.output.tokens = 0)),
    field: "spec.workload.synthetic.clients[0].output.tokens",
    says: "must be at least 1, got 0",
    by: "schema",
  },
  {
    name: "too many replicas",
    break: spec((s) => (s.overrides = { replicas: 10_001 })),
    field: "spec.overrides.replicas",
    says: "must be at most 10000",
    by: "schema",
  },
  {
    name: "not a duration",
    break: spec((s) => (s.run = { horizon: "6 hours" })),
    field: "spec.run.horizon",
    says: 'such as 90s, 1h30m, 800ms or 2d, got "6 hours"',
    by: "schema",
  },
  {
    name: "negative duration",
    break: spec((s) => (s.run = { horizon: "-1h" })),
    field: "spec.run.horizon",
    says: "must be a duration",
    by: "schema",
  },
  {
    name: "a duration of ages",
    break: spec((s) => (s.overrides = { metrics: { scrapeInterval: "999999999d" } })),
    field: "spec.overrides.metrics.scrapeInterval",
    says: "at most 36525d",
    by: "zod",
  },
  {
    name: "not an object's name",
    break: spec((s) => (s.mirror.workloads[0].name = "My_App")),
    field: "spec.mirror.workloads[0].name",
    says: "lower-case",
    by: "schema",
  },
  {
    name: "not a URL",
    break: spec((s) => (s.workload = trace({ url: "file:///etc/passwd" }))),
    field: "spec.workload.trace.url",
    says: "must be a URL",
    by: "schema",
  },
  {
    name: "endless text",
    break: spec((s) => (s.overrides = { hardware: { gpu: "x".repeat(65) } })),
    field: "spec.overrides.hardware.gpu",
    says: "must have at most 64 characters, has 65",
    by: "schema",
  },

  // ---- choices: parameters of one beside another
  {
    name: "parameter of another choice",
    break: firstClient((c) => (c.arrival = { process: "poisson", cv: 2 })),
    field: "spec.workload.synthetic.clients[0].arrival.cv",
    says: "there is no such field",
    by: "rule",
  },
  {
    name: "choice without its parameter",
    break: firstClient((c) => (c.arrival = { process: "gamma" })),
    field: "spec.workload.synthetic.clients[0].arrival.cv",
    says: "set it to a number",
    by: "rule",
    serverNames: "cv is required for process gamma",
  },
  {
    name: "pattern without its instant",
    break: spec((s) => (s.workload.synthetic.pattern = [{ shape: "step", factor: 2 }])),
    field: "spec.workload.synthetic.pattern[0].at",
    says: "is required",
    by: "rule",
    serverNames: "at is required for shape step",
  },
  {
    name: "min above max",
    break: firstClient((c) => Object.assign(c, { prompt: { ...lengths.normal, min: 9, max: 3 } })),
    field: "spec.workload.synthetic.clients[0].prompt.min",
    says: "must not exceed max",
    by: "rule",
    serverNames: "spec.workload.synthetic.clients[0].prompt",
  },

  // ---- rules over several fields
  {
    name: "no workload",
    break: spec((s) => (s.workload = {})),
    field: "spec.workload",
    says: "exactly one of prometheus, trace, synthetic and profile",
    by: "rule",
  },
  {
    name: "two workloads",
    break: spec((s) => Object.assign(s.workload, trace({ path: "a.csv" }))),
    field: "spec.workload",
    says: "exactly one of prometheus, trace, synthetic and profile",
    by: "rule",
  },
  {
    name: "a replay of no window",
    break: spec((s) => (s.mode = "Replay")),
    field: "spec.workload",
    says: "it needs workload.prometheus",
    by: "rule",
  },
  {
    name: "a query for a selector",
    break: spec((s) => (s.workload = { prometheus: { url: "http://prometheus:9090", selector: '{a="b"}[5m]' } })),
    field: "spec.workload.prometheus.selector",
    says: "must be label matchers",
    by: "zod",
  },
  {
    name: "live traffic that would be simulated before it is known",
    break: spec((s) => (s.workload = { prometheus: { url: "http://prometheus:9090", step: "1m", delay: "2m" } })),
    field: "spec.workload.prometheus.delay",
    says: "two steps and 15s at least",
    by: "zod",
  },
  {
    name: "trace from nowhere",
    break: spec((s) => (s.workload = trace({}))),
    field: "spec.workload.trace",
    says: "exactly one of path, configMap and url",
    by: "rule",
  },
  {
    name: "sessions of a format that has none",
    break: spec((s) => (s.workload = trace({ path: "a", sessions: "open-loop" }))),
    field: "spec.workload.trace.format",
    says: "only traces of format agentic-coding, blis-v2, dynamo-agent have sessions",
    by: "rule",
  },
  {
    name: "a session without rounds",
    break: spec((s) => (s.workload = synthetic(client("a", { session: { rounds: 0, thinkTime: { mean: "1s" } } })))),
    field: "spec.workload.synthetic.clients[0].session.rounds",
    says: "1",
    by: "schema",
  },
  {
    name: "a session that thinks for ever",
    break: spec((s) => (s.workload = synthetic(client("a", { session: { rounds: 2, thinkTime: { mean: "ever" } } })))),
    field: "spec.workload.synthetic.clients[0].session.thinkTime.mean",
    says: "must be a duration",
    by: "schema",
  },
  {
    name: "trace from two places",
    break: spec((s) => (s.workload = trace({ path: "a.csv", configMap: { name: "a", key: "b" } }))),
    field: "spec.workload.trace",
    says: "exactly one of path, configMap and url",
    by: "rule",
  },
  {
    name: "a model's config from nowhere",
    break: spec((s) => (s.overrides = { model: { config: {} } })),
    field: "spec.overrides.model.config",
    says: "exactly one of path and configMap",
    by: "rule",
  },
  {
    name: "an adapter's rules from nowhere",
    break: spec((s) => (s.overrides = { metrics: { prometheusAdapter: { relistInterval: "1m" } } })),
    field: "spec.overrides.metrics.prometheusAdapter",
    says: "exactly one of path, configMap and inline",
    by: "rule",
  },
  {
    name: "an adapter's rules from two places",
    break: spec((s) => (s.overrides = { metrics: { prometheusAdapter: { path: "a.yaml", inline: "{}" } } })),
    field: "spec.overrides.metrics.prometheusAdapter",
    says: "exactly one of path, configMap and inline",
    by: "rule",
  },
  {
    name: "warm-up as long as the horizon",
    break: spec((s) => (s.run = { horizon: "60m", warmUp: "1h" })),
    field: "spec.run.warmUp",
    says: "shorter than run.horizon",
    by: "rule",
  },
  {
    name: "warm-up beyond the default horizon",
    break: spec((s) => (s.run = { warmUp: "61m30.5s" })),
    field: "spec.run.warmUp",
    says: "shorter than run.horizon",
    by: "rule",
  },
  {
    name: "warm-up longer than a horizon in days",
    break: spec((s) => (s.run = { horizon: "1d", warmUp: "25h" })),
    field: "spec.run.warmUp",
    says: "shorter than run.horizon",
    by: "zod",
  },
  {
    name: "the same workload twice",
    break: spec((s) => s.mirror.workloads.push({ name: "vllm-llama-8b" })),
    field: "spec.mirror.workloads[1]",
    says: "Deployment/vllm-llama-8b is named twice",
    by: "rule",
  },
  {
    name: "the same client twice",
    break: spec((s) => s.workload.synthetic.clients.push(s.workload.synthetic.clients[0])),
    field: "spec.workload.synthetic.clients",
    says: "a name of its own",
    by: "rule",
    serverNames: "spec.workload.synthetic.clients[1]",
  },
  {
    name: "a start as a whole and one of its phases",
    break: spec((s) => (s.overrides = { start: { untilReady: { mean: "2m" }, modelLoad: { mean: "1m" } } })),
    field: "spec.overrides.start.untilReady",
    says: "stands in the place of",
    by: "rule",
  },
  {
    name: "calibration without production's series",
    break: spec((s) => (s.calibration = "Auto")),
    field: "spec.calibration",
    says: "needs workload.prometheus",
    by: "rule",
  },
  {
    name: "replicas without an external driver",
    break: spec((s) => (s.replicas = 3)),
    field: "spec.replicas",
    says: "driver: External",
    by: "rule",
  },
  {
    name: "Shadow with objectives",
    break: spec((s) => Object.assign(s, { mode: "Shadow", objectives: [{ metric: "ttft", atMost: "1s" }] })),
    field: "spec.objectives",
    says: "a Shadow has none",
    by: "rule",
  },
  {
    name: "Shadow with replications",
    break: spec((s) => Object.assign(s, { mode: "Shadow", run: { replications: 2 } })),
    field: "spec.run.replications",
    says: "must be 1 in mode Shadow",
    by: "rule",
  },
  {
    name: "latency without a unit",
    break: spec((s) => (s.objectives = [{ metric: "ttft", atMost: "800" }])),
    field: "spec.objectives[0].atMost",
    says: "must be a duration",
    by: "rule",
  },
  {
    name: "an increase without its sign",
    break: spec((s) => (s.objectives = [{ metric: "ttft", atMost: "10%" }])),
    field: "spec.objectives[0].atMost",
    says: "such as +10%",
    by: "rule",
  },
  {
    name: "an increase of a share",
    break: spec((s) => (s.objectives = [{ metric: "errorRatio", atMost: "+10%" }])),
    field: "spec.objectives[0].atMost",
    says: "from 0 to 1",
    by: "rule",
  },
  {
    name: "error ratio above 1",
    break: spec((s) => (s.objectives = [{ metric: "errorRatio", atMost: "1.5" }])),
    field: "spec.objectives[0].atMost",
    says: "from 0 to 1",
    by: "rule",
  },
  {
    name: "GPU-hours as a duration",
    break: spec((s) => (s.objectives = [{ metric: "gpuHours", atMost: "48h" }])),
    field: "spec.objectives[0].atMost",
    says: "must be a number",
    by: "rule",
  },
  {
    name: "attainment with an upper bound",
    break: spec((s) => (s.objectives = [{ metric: "sloAttainment", atMost: "0.99" }])),
    field: "spec.objectives[0].atMost",
    says: "has no atMost",
    by: "rule",
  },
  {
    name: "attainment without a bound",
    break: spec((s) => (s.objectives = [{ metric: "sloAttainment" }])),
    field: "spec.objectives[0].atLeast",
    says: "must be a number from 0 to 1",
    by: "rule",
  },
  {
    name: "attainment above one",
    break: spec((s) => (s.objectives = [{ metric: "sloAttainment", atLeast: "1.5" }])),
    field: "spec.objectives[0].atLeast",
    says: "must be a number from 0 to 1",
    by: "rule",
  },
  {
    name: "latency with a lower bound",
    break: spec((s) => (s.objectives = [{ metric: "ttft", atMost: "1s", atLeast: "0.5" }])),
    field: "spec.objectives[0].atLeast",
    says: "only sloAttainment has atLeast",
    by: "rule",
  },
  {
    name: "objective without a bound",
    break: spec((s) => (s.objectives = [{ metric: "ttft" }])),
    field: "spec.objectives[0].atMost",
    says: "is required",
    by: "rule",
  },
  {
    name: "inter-token latency of a class",
    break: spec((s) => (s.objectives = [{ metric: "itl", sloClass: "batch", atMost: "1s" }])),
    field: "spec.objectives[0].sloClass",
    says: "of the run as a whole",
    by: "rule",
  },
  {
    name: "class of a blank",
    break: spec((s) => (s.objectives = [{ metric: "ttft", sloClass: " ", atMost: "1s" }])),
    field: "spec.objectives[0].sloClass",
    says: "must be letters",
    by: "schema",
  },
  {
    name: "targets without a target",
    break: spec((s) => (s.slo = [{ sloClass: "batch" }])),
    field: "spec.slo[0]",
    says: "at least one of",
    by: "rule",
  },
  {
    name: "class with targets twice",
    break: spec(
      (s) =>
        (s.slo = [
          { sloClass: "batch", e2e: "1m" },
          { sloClass: "batch", ttft: "1s" },
        ]),
    ),
    field: "spec.slo[1]",
    says: "named twice",
    by: "rule",
  },
  {
    name: "target that is no duration",
    break: spec((s) => (s.slo = [{ sloClass: "batch", ttft: "fast" }])),
    field: "spec.slo[0].ttft",
    says: "must be a duration",
    by: "schema",
  },
  {
    name: "detector that nobody knows",
    break: spec((s) => (s.saturation = { detector: "gut" })),
    field: "spec.saturation.detector",
    says: "one of composite",
    by: "schema",
  },
  {
    name: "percentile of a ratio",
    break: spec((s) => (s.objectives = [{ metric: "errorRatio", percentile: 99, atMost: "0.1" }])),
    field: "spec.objectives[0].percentile",
    says: "only latencies",
    by: "rule",
  },
  {
    name: "label that is no label",
    break: spec((s) => (s.export = { labels: { "a-b": "c" } })),
    field: "spec.export.labels",
    says: "letters, digits and underscores",
    by: "rule",
  },
  {
    name: "label of Prometheus",
    break: spec((s) => (s.export = { labels: { __name__: "up" } })),
    field: "spec.export.labels",
    says: "belong to Prometheus",
    by: "rule",
  },
  {
    name: "label of the twin",
    break: spec((s) => (s.export = { labels: { origin: "real" } })),
    field: "spec.export.labels",
    says: "the twin's own",
    by: "rule",
  },
  {
    name: "too many labels",
    break: spec((s) => (s.export = { labels: Object.fromEntries([..."abcdefghijklmnopq"].map((l) => [l, l])) })),
    field: "spec.export.labels",
    says: "at most 16",
    by: "schema",
  },
];

export const broken = (bad: Bad): Anything => {
  const object = structuredClone(GOOD[0]);
  bad.break(object);
  return object;
};
