import type { EngineConfig, KvGroup } from "../../src/engine/engine.ts";
import type { EncoderItem, Request } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { anyConfig, anyRequests, between, oneOf } from "./any.ts";
import type { FicklePlan } from "./fickle-tier.ts";
import type { KvPlan, KvPlans } from "./kv-peer.ts";

/** What one feature adds to a configuration, to each request, and to all that happens. */
interface Feature {
  /** The reference simulator doesn't have it. */
  readonly vllmOnly?: true;
  readonly config?: (rng: Rng, config: EngineConfig) => Partial<EngineConfig>;
  readonly requests?: (rng: Rng, requests: readonly Request[], config: EngineConfig) => readonly Request[];
  /** Whether requests are aborted as well. */
  readonly hangsUp?: true;
  /** Whether prompts are computed elsewhere, or go on from there. */
  readonly transfers?: true;
  /** What is kept below host memory. */
  readonly tier?: (rng: Rng) => FicklePlan;
}

/** Says something more of `share` of the requests. */
const some =
  (share: number, more: (rng: Rng, request: Request, config: EngineConfig) => Partial<Request>) =>
  (rng: Rng, requests: readonly Request[], config: EngineConfig): readonly Request[] =>
    requests.map((request) => (rng.next() < share ? { ...request, ...more(rng, request, config) } : request));

/** Each round goes on where one before it ended, or a little beside; several may be under way at a time. */
const conversations = (rng: Rng, requests: readonly Request[], config: EngineConfig): readonly Request[] => {
  const lengths = new Map<string, number>();
  const most = config.maxModelLen - 1;
  return requests.map((request) => {
    if (rng.next() < 0.2) return request;
    const conversation = `c${rng.below(3)}`;
    const before = lengths.get(conversation) ?? 0;
    const goesOn = before > 0 && rng.next() < 0.8;
    const promptTokens = goesOn ? Math.min(most, before + between(rng, 1, 12)) : request.promptTokens;
    lengths.set(conversation, promptTokens >= most ? 0 : promptTokens + request.outputTokens);
    return { ...request, conversation, promptTokens };
  });
};

/** Images of a few sizes, some of them of well-known ids, which say the size; seldom too large ones. */
const encoderItems = (rng: Rng, { promptTokens }: Request): Partial<Request> => {
  const items: EncoderItem[] = [];
  for (let offset = rng.below(12); ; ) {
    const size = rng.below(6);
    const tokens = 1 + 3 * size;
    if (offset + tokens > promptTokens) return items.length === 0 ? {} : { encoderItems: items };
    items.push({ offset, tokens, ...(rng.next() < 0.5 ? { id: `image-${size}-${rng.below(2)}` } : {}) });
    offset += tokens + rng.below(oneOf(rng, [1, 20]));
  }
};

const windows = (rng: Rng, { maxModelLen }: EngineConfig): readonly KvGroup[] => {
  const window = (): KvGroup => ({ window: between(rng, 1, Math.ceil(maxModelLen / oneOf(rng, [1, 4]))) });
  return oneOf(rng, [() => [window()], () => [{}, window()], () => [window(), {}], () => [{}, window(), window()]])();
};

/** Prefill engines only send and decode engines only receive; what one engine does of both disturbs more. */
const kvPlans = (rng: Rng, requests: readonly Request[]): KvPlans => {
  const kinds = oneOf(rng, [["send"], ["receive"], ["send", "receive"]] as const);
  const longest = oneOf(rng, [1, 3000, 40_000]);
  const plan = (): KvPlan => {
    const kv = oneOf(rng, kinds);
    const isFetched = kv === "receive" || rng.next() < 0.7;
    return { kv, delayMicros: isFetched ? rng.below(longest) : undefined, fails: rng.next() < 0.2 };
  };
  return new Map(requests.flatMap(({ id }) => (rng.next() < 0.8 ? [[id, plan()] as const] : [])));
};

const features = {
  transfers: {
    vllmOnly: true,
    transfers: true,
    config: (rng) => ({
      ...(rng.next() < 0.7 ? { kvLoadFailurePolicy: oneOf(rng, ["fail", "recompute", "recompute"]) } : {}),
      ...(rng.next() < 0.8 ? { kvSendTimeoutMicros: rng.below(50_000) } : {}),
    }),
    requests: some(0.6, () => ({ maxTokens: 1 })),
  },
  hangUps: { hangsUp: true },
  policies: {
    config: (rng) => ({ schedulingPolicy: oneOf(rng, ["fcfs", "priority", "priority", "sjf", "reverse-priority"]) }),
    requests: (rng, requests, { mode }) =>
      requests.map((request, i) => ({
        ...request,
        ...(rng.next() < 0.7 ? { priority: rng.below(4) - 1 } : {}),
        // Of two that are equal the first of those running gives way; where it starts anew (D2), both do for ever.
        ...(mode === "blis" ? { arrival: instant(request.arrival + i) } : {}),
      })),
  },
  maxTokens: {
    requests: some(0.5, (rng, { promptTokens, outputTokens }, { maxModelLen }) => ({
      maxTokens: oneOf(rng, [
        outputTokens,
        Math.max(1, outputTokens + between(rng, -8, 3)),
        Math.max(1, maxModelLen - promptTokens + between(rng, -4, 1)),
      ]),
    })),
  },
  deadlines: {
    requests: some(0.5, (rng, { arrival }) => ({
      deadline: instant(
        Math.max(0, arrival + rng.below(oneOf(rng, [300, 5000, 50_000])) - (rng.next() < 0.05 ? 300 : 0)),
      ),
    })),
  },
  bounds: {
    vllmOnly: true,
    config: (rng) => ({
      ...(rng.next() < 0.6 ? { maxQueuedRequests: between(rng, 1, 12) } : {}),
      ...(rng.next() < 0.6 ? { maxQueuedTokens: between(rng, 1, 200) } : {}),
    }),
  },
  conversations: { config: () => ({ prefixCaching: true }), requests: conversations },
  salts: { requests: some(0.5, (rng) => ({ cacheSalt: `s${rng.below(2)}` })) },
  lora: {
    vllmOnly: true,
    config: (rng) => {
      const maxLoras = between(rng, 1, 2);
      const [gpuLoadMicros, diskLoadMicros] = [rng.below(2000), rng.below(5000)];
      return { lora: { maxLoras, maxCpuLoras: maxLoras + rng.below(2), gpuLoadMicros, diskLoadMicros } };
    },
    requests: some(0.7, (rng) => ({ adapter: oneOf(rng, ["a", "B", "ä", "c"]) })),
  },
  offload: {
    vllmOnly: true,
    config: (rng) => ({
      prefixCaching: rng.next() < 0.95,
      offload: {
        hostBlocks: between(rng, 1, oneOf(rng, [6, 40])),
        microsPerBlock: oneOf(rng, [0.7, 50, 900]),
        latencyMicros: between(rng, 1, oneOf(rng, [100, 4000])),
      },
    }),
  },
  tier: {
    vllmOnly: true,
    config: (rng) => ({
      prefixCaching: true,
      tier: { blocksPerChunk: between(rng, 1, 3), reads: rng.next() < 0.9, writes: rng.next() < 0.9 },
    }),
    tier: (rng) => ({
      seed: rng.below(2 ** 31),
      writeMicros: oneOf(rng, [1, 3000, 30_000]),
      stayMicros: oneOf(rng, [3000, 60_000, 1e9]),
      loadMicros: oneOf(rng, [1, 700, 20_000]),
      refusedRatio: oneOf(rng, [0, 0, 0.2]),
    }),
  },
  encoder: {
    vllmOnly: true,
    config: (rng) => ({
      ...(rng.next() < 0.8 ? { encoderBudget: between(rng, 14, 40) } : {}),
      ...(rng.next() < 0.8 ? { encoderCacheTokens: between(rng, 14, 60) } : {}),
    }),
    requests: some(0.6, encoderItems),
  },
  speculation: {
    vllmOnly: true,
    config: (rng) => ({
      speculation: {
        tokens: between(rng, 1, 4),
        acceptance: Array.from({ length: between(rng, 1, 3) }, () => rng.next()),
        ...(rng.next() < 0.5 ? { seed: rng.below(1000) } : {}),
      },
    }),
  },
  ranks: { vllmOnly: true, config: (rng) => ({ ranks: between(rng, 2, 3), lockstep: rng.next() < 0.5 }) },
  pipeline: {
    vllmOnly: true,
    config: (rng, { ranks = 1 }) => ({ pipelineStages: between(rng, 2, 3), ...(ranks > 1 ? { lockstep: false } : {}) }),
  },
  windows: {
    vllmOnly: true,
    config: (rng, config) => {
      const kvGroups = windows(rng, config);
      const needed = kvGroups.length * Math.ceil(config.maxModelLen / config.blockSize) + 2;
      return { kvGroups, numGpuBlocks: needed + rng.below(oneOf(rng, [2, 8, 40])) };
    },
  },
} satisfies Record<string, Feature>;

export type FeatureName = keyof typeof features;
type Mode = EngineConfig["mode"];

/** Workloads in which some features meet. */
export interface Family {
  readonly name: string;
  readonly modes: readonly Mode[];
  readonly of: (rng: Rng, base: EngineConfig) => Workload;
}

export interface Workload {
  readonly config: EngineConfig;
  readonly requests: readonly Request[];
  readonly hangsUp: boolean;
  readonly kv?: KvPlans;
  readonly tier?: FicklePlan;
}

const workloadOf = (rng: Rng, base: EngineConfig, chosen: readonly Feature[]): Workload => {
  const fitting = chosen.filter(({ vllmOnly }) => base.mode === "vllm" || vllmOnly !== true);
  let config = base;
  for (const feature of fitting) config = { ...config, ...feature.config?.(rng, config) };
  let requests = anyRequests(rng, config);
  for (const feature of fitting) requests = feature.requests?.(rng, requests, config) ?? requests;
  const hangsUp = fitting.some((feature) => feature.hangsUp === true);
  const kv = fitting.some(({ transfers }) => transfers === true) ? { kv: kvPlans(rng, requests) } : {};
  const tiers = fitting.flatMap(({ tier }) => (tier === undefined ? [] : [{ tier: tier(rng) }]));
  return { config, requests, hangsUp, ...kv, ...tiers[0] };
};

const family = (name: string, ...names: readonly FeatureName[]): Family => {
  const chosen: readonly Feature[] = names.map((one) => features[one]);
  const only = chosen.some(({ vllmOnly }) => vllmOnly === true);
  return { name, modes: only ? ["vllm"] : ["vllm", "blis"], of: (rng, base) => workloadOf(rng, base, chosen) };
};

export const families: readonly Family[] = [
  family("plain"),
  family("hang-ups", "hangUps"),
  family("priorities", "policies", "hangUps"),
  family("most tokens", "maxTokens", "hangUps"),
  family("deadlines", "deadlines", "hangUps"),
  family("bounded queue", "bounds", "hangUps"),
  family("conversations", "conversations", "salts"),
  family("lora", "lora", "salts", "hangUps"),
  family("offload", "offload", "conversations", "hangUps"),
  family("tier", "tier", "conversations", "hangUps"),
  family("tier below host memory", "tier", "offload", "conversations", "hangUps"),
  family("tier and transfers", "tier", "offload", "transfers", "ranks", "hangUps"),
  family("encoder", "encoder", "hangUps"),
  family("speculation", "speculation", "hangUps"),
  family("ranks", "ranks", "hangUps"),
  family("pipeline", "pipeline", "hangUps"),
  family("windows", "windows", "hangUps"),
  family("transfers", "transfers", "hangUps"),
  family("transfers and more", "transfers", "deadlines", "conversations", "hangUps"),
  {
    name: "everything",
    modes: ["vllm", "blis"],
    of: (rng, base) =>
      workloadOf(
        rng,
        base,
        Object.values<Feature>(features).filter(() => rng.next() < 0.35),
      ),
  },
];

/** Those that FAMILY names, separated by commas; else those of `usual`. */
export const chosenFamilies = (usual: (family: Family) => boolean): readonly Family[] => {
  const said = process.env.FAMILY?.split(",");
  return families.filter((one) => (said === undefined ? usual(one) : said.includes(one.name)));
};

/** What runs short. */
export const shortages = {
  everything: anyConfig,
  tokens: (rng: Rng, mode: Mode): EngineConfig => {
    const config = anyConfig(rng, mode);
    // The reference simulator also allows budgets below the batch.
    const least = mode === "blis" && rng.next() < 0.5 ? 1 : config.maxNumSeqs;
    const small = { maxNumBatchedTokens: least + rng.below(6), longPrefillTokenThreshold: between(rng, 0, 8) };
    return { ...config, ...small, chunkedPrefill: true };
  },
} satisfies Record<string, (rng: Rng, mode: Mode) => EngineConfig>;
