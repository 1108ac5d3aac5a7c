import type * as z from "zod";
import type { Source } from "../../model/known.ts";
import { problemsOf } from "../../schema/issue.ts";
import type { Ledger } from "../ledger.ts";
import type { PluginReading } from "../readers/endpoint-picker/plugin-reading.ts";

/** A registry, as far as it matters here: the choices by name, and what a spec may say of them. */
export interface Choices<Said> {
  readonly all: readonly { readonly name: string }[];
  readonly schema: z.ZodType<Said>;
}

export const isModelled = ({ all }: Choices<unknown>, { type }: Pick<PluginReading, "type">): boolean =>
  all.some(({ name }) => name === type);

/**
 * A plugin of the configuration as its registry takes it: parameters under the picker's own names, with its defaults. What
 * is wrong with them is told at the parameter, once: it may be of two kinds. @returns undefined if something is
 */
export const sayPlugin = <Said>(choices: Choices<Said>, plugin: PluginReading, ledger: Ledger): Said | undefined => {
  const parameters = (plugin.parameters.raw ?? {}) as Readonly<Record<string, unknown>>;
  const raw = { ...withoutNulls(parameters), type: plugin.type };
  const parsed = choices.schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const { object, path } = plugin.parameters;
  for (const issue of parsed.error.issues) {
    for (const { field, ...problem } of problemsOf(issue, choices.schema, raw)) {
      const place = field === undefined || field === "" ? path : `${path}${field.startsWith("[") ? "" : "."}${field}`;
      const former = FORMER[plugin.type]?.[field ?? ""];
      const isTold = ledger.problems.some((told) => told.object === object && told.field === place);
      if (!isTold) ledger.error({ ...problem, ...(former && { fix: former }), object, field: place });
    }
  }
  return undefined;
};

const OF_PRODUCER =
  "give it to a plugin of type approx-prefix-cache-producer, as pickers since v0.9 ask for it (a block by blockSizeTokens), in spec.overrides.gateway.endpointPickerConfig if the real one is older";
const OF_DECIDER =
  "name a decider by deciderPluginName, as pickers since v0.6 ask for it: always-disagg-pd-decider, or prefix-based-pd-decider with nonCachedTokens; in spec.overrides.gateway.endpointPickerConfig if the real one is older";

/** Parameters that pickers before v0.6 and v0.9 took there, and where they have gone (llm-d-router #531; 412144080). */
const FORMER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "prefix-cache-scorer": {
    hashBlockSize: OF_PRODUCER,
    blockSize: OF_PRODUCER,
    maxPrefixBlocksToMatch: OF_PRODUCER,
    lruCapacityPerServer: OF_PRODUCER,
    autoTune: OF_PRODUCER,
  },
  "pd-profile-handler": { threshold: OF_DECIDER, hashBlockSize: OF_DECIDER },
};

/** Go's decoder passes over a parameter that is null. */
const withoutNulls = (record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined));

const BY_PICKER = "llm-d-router (August 2026)";

/** Notes each parameter that counts, be it said or a default. */
export const tellParameters = (path: string, plugin: PluginReading, said: object, ledger: Ledger): void => {
  for (const [name, value] of Object.entries(said)) {
    if (name === "type" || value === undefined) continue;
    const field = plugin.parameters.at(name);
    const from: Source = field.present ? field.from : { kind: "default", why: `${BY_PICKER}: ${plugin.type}` };
    ledger.use(`${path}.${name}`, { value: shown(value), from });
  }
};

const shown = (value: unknown): string | number | boolean | null =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : (value as string | number | boolean | null);
