/** What a flag may say. */
export type Value = number | string | boolean | readonly string[];

/** A flag of a model server. */
export interface Flag {
  /** Without dashes: `max-num-seqs`. */
  readonly name: string;
  readonly takes: Takes;
  readonly role: Role;
}

/**
 * `texts`: one or more words; `json`: an object, or its fields one by one (`--x.field`); `switch`: none, and has a `--no-` twin;
 * `integer`: a whole number of either sign.
 */
export type Takes = "whole" | "integer" | "number" | "text" | "texts" | "json" | "switch";

/**
 * What a flag is to the twin.
 * - `modelled`: read and simulated;
 * - `ignored-matters`: changes performance and is not modelled;
 * - `ignored-breaks`: what is simulated without it is another system;
 * - `harmless`: changes nothing that is simulated.
 */
export type Role = "modelled" | "ignored-matters" | "ignored-breaks" | "harmless";

/** @param names separated by white space */
export const rows = (role: Role, takes: Takes, names: string): readonly Flag[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => ({ name, takes, role }));

/** All flags of one server, so that a typo can be told from a flag that doesn't matter here. */
export interface FlagTable {
  /** As people start it: `vllm serve`. */
  readonly server: string;
  readonly flags: readonly Flag[];
  /** Short names with their dash, and long ones without, that mean the same as another. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Why flags of role `ignored-breaks` make another system of it. */
  readonly breaks: Readonly<Record<string, string>>;
  /** @param name without dashes, with dashes for underscores */
  named(name: string): Flag | undefined;
}

export const flagTable = (parts: Omit<FlagTable, "named">): FlagTable => {
  const byName = new Map(parts.flags.map((flag) => [flag.name, flag]));
  return { ...parts, named: (name) => byName.get(name) };
};
