import * as z from "zod";
import { constantLength, microsText, type ProfileProblems, profileClient } from "./profile.ts";
import type { SyntheticWorkload } from "./synthetic-workload.ts";

export const stageSchema = z.strictObject({
  rate: z.number().gt(0).max(1e6),
  /** Seconds. */
  duration: z.int().min(1).max(1e9),
});

/** As BLIS names it (`sim/workload/inference_perf.go` @f90a1e3a). */
export const sharedPrefixSchema = z.strictObject({
  num_unique_system_prompts: z.int().min(1).max(1000),
  num_users_per_system_prompt: z.int().min(1).max(10_000),
  system_prompt_len: z.int().min(0).max(1_000_000).default(0),
  question_len: z.int().min(0).max(1_000_000).default(0),
  output_len: z.int().min(0).max(1_000_000).default(0),
  enable_multi_turn_chat: z.boolean().default(false),
});

type Stage = z.output<typeof stageSchema>;

/** Stages one after the other, as windows of the highest rate. @param pauseSeconds between two */
export const stagesPattern = (
  stages: readonly Stage[],
  pauseSeconds = 0,
): { readonly rate: number; readonly windows: readonly { start: string; end: string; factor: number }[] } => {
  const rate = Math.max(...stages.map((stage) => stage.rate));
  let at = 0;
  const windows = stages.map((stage) => {
    const start = at;
    const end = at + stage.duration;
    at = end + pauseSeconds;
    return { start: microsText(start * 1e6), end: microsText(end * 1e6), factor: stage.rate / rate };
  });
  return { rate, windows };
};

/**
 * BLIS's reading of inference-perf's shared prefixes: so many users per system prompt, each with its share of the rate; in a chat
 * each has one session, with a think time of users / rate and rounds that share out the requests. BLIS draws exactly
 * rate x duration requests; here the count is left to chance.
 */
export const sharedPrefixWorkload = (
  said: { readonly stages: readonly Stage[]; readonly shared_prefix: z.output<typeof sharedPrefixSchema> },
  problems: ProfileProblems,
): SyntheticWorkload | undefined => {
  const { stages, shared_prefix: shared } = said;
  const { num_unique_system_prompts: prompts, num_users_per_system_prompt: users } = shared;
  const sessions = prompts * users;
  if (sessions > 10_000) {
    return problems.error(["inference_perf", "shared_prefix"], `${sessions} users are more than 10000`, "name fewer");
  }
  const { rate, windows } = stagesPattern(stages);
  const base = (name: string, groups: number, prefix: string) =>
    profileClient({
      name,
      prompt: constantLength(shared.question_len),
      output: constantLength(shared.output_len),
      capOutput: true,
      sloClass: "standard",
      ...(shared.system_prompt_len === 0 ? {} : { prefix: { tokens: shared.system_prompt_len, groups, name: prefix } }),
    });
  if (!shared.enable_multi_turn_chat) {
    const pattern = [{ shape: "windows" as const, windows: [...windows] }];
    return { clients: [{ ...base("shared-prefix", prompts, "prompt"), rate, pattern }], pattern: [] };
  }
  const clients = stages.flatMap((stage, s) =>
    Array.from({ length: prompts }, (_, p) => {
      const rounds = Math.max(1, Math.round((stage.rate * stage.duration) / sessions));
      if (rounds > 1000)
        problems.error(["inference_perf", "stages", s], `${rounds} rounds per user are more than 1000`);
      const window = windows[s] as (typeof windows)[number];
      const think = microsText((sessions / stage.rate) * 1e6);
      return {
        ...base(`stage-${s}-prompt-${p}`, 1, `prompt-${p}`),
        tenant: `prompt-${p}`,
        rate: stage.rate / prompts,
        members: users,
        pattern: [{ shape: "windows" as const, windows: [{ ...window, factor: 1 }] }],
        session: { rounds, thinkTime: { mean: think, deviation: "0us" }, contextGrowth: "none" as const, single: true },
        timeout: "300s",
      };
    }),
  );
  return { clients, pattern: [] };
};
