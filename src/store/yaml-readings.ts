import { CORE_SCHEMA, NOT_RESOLVED, type Schema } from "js-yaml";
import { KUBECTL_SCHEMA } from "../schema/kubectl-yaml.ts";

/** What might be read in two ways, or lose digits; keeps the slow look away from most words. */
const DOUBTFUL = /^(?:[yYnNoO][A-Za-z]{0,2}|[-+]?0[0-9_bBxXoO].*|[-+]?[0-9.].*_.*|[-+]?[0-9]{16,})$/;

/** @returns why a plain scalar may not mean what its writer thinks; undefined for nearly all */
export const doubtAbout = (plain: string): { readonly message: string; readonly fix: string } | undefined => {
  if (plain.length > 64 || !DOUBTFUL.test(plain)) return undefined;
  const here = readWith(KUBECTL_SCHEMA, plain);
  const elsewhere = readWith(CORE_SCHEMA, plain);
  if (!Object.is(here, elsewhere)) {
    return {
      message: `\`${plain}\` is read as ${show(here)}, as kubectl does (YAML 1.1), but YAML 1.2 reads ${show(elsewhere)}`,
      fix:
        typeof here === "boolean"
          ? `write ${here}, or quote it if text is meant`
          : "write it without leading zeros and underscores, or quote it",
    };
  }
  if (typeof here === "number" && Number.isInteger(here) && !Number.isSafeInteger(here)) {
    return {
      message: `the number ${plain} has more digits than are kept: read as ${here}`,
      fix: "quote it if it is an identifier",
    };
  }
  return undefined;
};

const show = (value: unknown): string => (typeof value === "string" ? `the text "${value}"` : String(value));

const readWith = (schema: Schema, plain: string): unknown => {
  for (const tag of schema.tags) {
    if (tag.nodeKind !== "scalar" || !tag.implicit) continue;
    const value: unknown = tag.resolve(plain, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  return plain;
};
