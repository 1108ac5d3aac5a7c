import * as z from "zod";

/*
 * Entries of a trigger's metadata: texts, read into what they mean.
 * Source of what is taken and of the messages: pkg/scalers/scalersconfig/typed_config.go, kedacore/keda v2.20.
 */

/** Spaces around an entry don't count, and an empty one is none. */
export const entriesOf = (metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(metadata)
      .map(([name, text]) => [name, text.trim()] as const)
      .filter(([, text]) => text !== ""),
  );

const missing = (name: string): string => `missing required parameter "${name}" in [triggerMetadata]`;

export const requiredText = (name: string) => z.string({ error: missing(name) });

const unable = (name: string, text: string, why: string): string =>
  `unable to set param "${name}" value "${text}": ${why}`;

type Read<T> = (text: string) => T | undefined;

const read =
  <T>(name: string, of: Read<T>, why: string) =>
  (text: string, context: z.RefinementCtx<string>): T => {
    const value = of(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: unable(name, text, why) });
    return z.NEVER;
  };

/** Numbers are read as JSON has them. */
const jsonNumber: Read<number> = (text) => {
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
};

const jsonInteger: Read<number> = (text) => {
  const value = jsonNumber(text);
  return value !== undefined && !/[.eE]/.test(text) && Number.isSafeInteger(value) ? value : undefined;
};

const goBool: Read<boolean> = (text) => {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
};

export const requiredFloat = (name: string) =>
  requiredText(name).transform(read(name, jsonNumber, "it must be a number"));

export const optionalFloat = (name: string, value: number) =>
  z
    .string()
    .transform(read(name, jsonNumber, "it must be a number"))
    .default(value);

export const requiredInteger = (name: string) =>
  requiredText(name).transform(read(name, jsonInteger, "it must be a whole number"));

export const optionalBool = (name: string, value: boolean) =>
  z
    .string()
    .transform(read(name, goBool, "it must be true or false"))
    .default(value);
