import { isMapping, type Mapping } from "../mapping.ts";

export type Config = Mapping;

/** @returns undefined if the text is no JSON object */
export const mergedConfig = (text: string): Config | undefined => {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMapping(whole)) return undefined;
  const inner = [whole.text_config, whole.llm_config, whole.language_config].find(isMapping);
  return { ...whole, ...inner };
};

/** Figures of a config by any of the names that models give them; those that are needed and missing are kept. */
export interface Reading {
  readonly config: Config;
  readonly missing: string[];
  /** The first that is there and at least `least`. */
  first(names: readonly string[], least?: number): number | undefined;
  /** As `first`; missing: 1, and noted under the first of its names. */
  needed(names: readonly string[]): number;
}

const MOST = 1e12;

export const readingOf = (config: Config): Reading => {
  const missing: string[] = [];
  const first = (names: readonly string[], least = 0): number | undefined =>
    names
      .map((name) => config[name])
      .find(
        (value): value is number =>
          Number.isSafeInteger(value) && (value as number) >= least && (value as number) < MOST,
      );
  const needed = (names: readonly string[]): number => {
    const found = first(names, 1);
    if (found === undefined) missing.push(names[0] as string);
    return found ?? 1;
  };
  return { config, missing, first, needed };
};
