import type { LengthSaid } from "../lengths/index.ts";
import { exponentialLength, normalLength, profileClient } from "../profile.ts";
import type { ClientSaid, SyntheticWorkload } from "../synthetic-workload.ts";

type Lengths = Pick<ClientSaid, "prompt" | "output">;
type Normal = readonly [mean: number, deviation: number, min: number, max: number];

const lengthsOf = (prompt: Normal, output: Normal): Lengths => ({
  prompt: normalLength(...prompt),
  output: normalLength(...output),
});
const exponentials = (prompt: number, output: number): Lengths => ({
  prompt: exponentialLength(prompt),
  output: exponentialLength(output),
});

/** Kinds of requests: BLIS's `--workload` (`defaults.yaml` @f90a1e3a, and the flags' own defaults). */
const KINDS = {
  chatbot: lengthsOf([256, 100, 2, 800], [256, 100, 1, 1024]),
  contentgen: lengthsOf([1024, 150, 10, 2048], [1024, 200, 10, 2048]),
  summarization: lengthsOf([4096, 500, 100, 8192], [512, 150, 10, 2048]),
  multidoc: lengthsOf([10_240, 1200, 500, 20_480], [1536, 300, 50, 4096]),
  default: lengthsOf([512, 256, 2, 7000], [512, 256, 2, 7000]),
} as const;

interface Part extends Lengths, Partial<Omit<ClientSaid, "rate" | "prompt" | "output">> {
  readonly name: string;
  readonly share: number;
}

const gaussian = (...said: Normal): LengthSaid => normalLength(...said);

/** Mixes of clients: BLIS's scenarios (`sim/workload/scenarios.go` @f90a1e3a). Its prefixes without a length have 50 tokens. */
const MIXES: Readonly<Record<"bursty" | "unfair-tenants" | "prefix-heavy" | "mixed-slo", readonly Part[]>> = {
  bursty: [
    {
      name: "bursty-client",
      share: 1,
      tenant: "tenant-A",
      sloClass: "batch",
      arrival: { process: "gamma", cv: 3.5 },
      ...exponentials(512, 256),
    },
  ],
  "unfair-tenants": [
    { name: "low-priority-bulk", share: 0.9, tenant: "tenant-bulk", sloClass: "batch", ...exponentials(1024, 512) },
    {
      name: "high-priority-realtime",
      share: 0.1,
      tenant: "tenant-realtime",
      sloClass: "critical",
      prompt: gaussian(128, 50, 10, 2048),
      output: exponentialLength(64),
    },
  ],
  "prefix-heavy": [
    {
      name: "shared-prefix",
      share: 0.8,
      tenant: "tenant-A",
      sloClass: "batch",
      prefix: { tokens: 50, groups: 1, name: "system-prompt" },
      ...exponentials(256, 128),
    },
    { name: "unique-prefix", share: 0.2, tenant: "tenant-B", sloClass: "standard", ...exponentials(512, 256) },
  ],
  "mixed-slo": [
    {
      name: "realtime",
      share: 0.33,
      tenant: "tenant-rt",
      sloClass: "critical",
      prompt: gaussian(64, 20, 10, 256),
      output: exponentialLength(32),
    },
    {
      name: "interactive",
      share: 0.34,
      tenant: "tenant-int",
      sloClass: "standard",
      prompt: gaussian(256, 100, 32, 2048),
      output: exponentialLength(128),
    },
    { name: "batch", share: 0.33, tenant: "tenant-batch", sloClass: "batch", ...exponentials(1024, 512) },
  ],
};

export const presets = [
  "chatbot",
  "contentgen",
  "summarization",
  "multidoc",
  "default",
  "bursty",
  "unfair-tenants",
  "prefix-heavy",
  "mixed-slo",
] as const satisfies readonly (keyof typeof KINDS | keyof typeof MIXES)[];
export type Preset = (typeof presets)[number];

/** @param rate requests per second in all; as in BLIS, the clients ask for at most what they get */
export const presetWorkload = (preset: Preset, rate: number): SyntheticWorkload => {
  const parts: readonly Part[] =
    preset in MIXES
      ? MIXES[preset as keyof typeof MIXES]
      : [{ name: preset, share: 1, ...KINDS[preset as keyof typeof KINDS] }];
  const clients = parts.map(({ share, ...part }) => profileClient({ ...part, rate: rate * share, capOutput: true }));
  return { clients, pattern: [] };
};
