import { isMapping } from "../model/mapping.ts";
import { type Broken, broken } from "./trace-row.ts";

/** @returns the JSON object that a line holds; undefined if it holds none */
export const objectOf = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const said: unknown = JSON.parse(line);
    return isMapping(said) ? said : undefined;
  } catch {
    return undefined;
  }
};

/** A value as a message shows it. */
export const written = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/** 100 000 days in seconds; a larger figure is no time from a trace's start. */
const SECONDS_MAX = 8.64e9;

export const isSeconds = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= SECONDS_MAX;

/**
 * A prompt's prefix by the ids of its blocks.
 * @param partial whether the last, partial block must have an id (`always`), or may be left out (`full`: full blocks are enough)
 */
export const blockPrefix = (
  ids: unknown,
  promptTokens: number,
  blockTokens: number,
  name: string,
  idOf: (id: number) => number,
  partial: "always" | "full",
): Broken | { readonly kind: "blocks"; readonly ids: readonly number[]; readonly blockTokens: number } => {
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "number" && Number.isInteger(id) && id >= 0)) {
    return broken(
      `${name} is not a list of whole numbers; it must have one id per ${blockTokens} tokens of the prompt`,
    );
  }
  const most = Math.ceil(promptTokens / blockTokens);
  const least = partial === "always" ? most : Math.floor(promptTokens / blockTokens);
  if (ids.length < least || ids.length > most) {
    const wanted = least === most ? `${most}` : `${least} or ${most}`;
    return broken(
      `${name} has ${ids.length} ids; a prompt of ${promptTokens} tokens has ${wanted} blocks of ${blockTokens}`,
    );
  }
  return { kind: "blocks", ids: (ids as readonly number[]).map(idOf), blockTokens };
};
