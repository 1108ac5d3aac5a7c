import {
  boolYaml11Tag,
  CORE_SCHEMA,
  defineScalarTag,
  FAILSAFE_SCHEMA,
  mergeTag,
  NOT_RESOLVED,
  nullYaml11Tag,
  type Schema,
} from "js-yaml";

/*
 * kubectl reads YAML with sigs.k8s.io/yaml 1.6 (go.yaml.in/yaml/v2 2.4.3, resolve.go), which is nearly YAML 1.1: `on` is
 * true and `017` is 15, but `1:30` and dates stay text. Most other tools read YAML 1.2, where `on` is text and `017` is 17.
 */

/** As Go's strconv.ParseInt with base 0 reads it: signs, 0x, 0b, 0o or a plain 0 for octal. */
const GO_INT = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const GO_FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const UINT64_MAX = 2n ** 64n - 1n;

const goInt = (source: string): number | typeof NOT_RESOLVED => {
  const plain = source.replaceAll("_", "");
  if (!/^[-+0-9]/.test(source) || !GO_INT.test(plain)) return NOT_RESOLVED;
  const digits = plain.replace(/^[-+]/, "").replace(/^0[oO]?(?=[0-7]+$)/, "0o");
  const size = BigInt(digits);
  if (size > UINT64_MAX) return NOT_RESOLVED;
  return plain.startsWith("-") ? 0 - Number(size) : Number(size);
};

const goFloat = (source: string): number | typeof NOT_RESOLVED => {
  const special = /^([-+]?)\.(?:inf|Inf|INF)$/.exec(source);
  if (special !== null) return special[1] === "-" ? -Infinity : Infinity;
  if (/^\.(?:nan|NaN|NAN)$/.test(source)) return NaN;
  if (!/^[-+.0-9]/.test(source) || source.startsWith("._")) return NOT_RESOLVED;
  const plain = source.replaceAll("_", "");
  const value = GO_FLOAT.test(plain) ? Number(plain) : Infinity;
  return Number.isFinite(value) ? value : NOT_RESOLVED;
};

const NUMBER_STARTS = [..."-+0123456789"];

/** The schema of kubectl's reading: what `kubectl apply` would send. */
export const KUBECTL_SCHEMA: Schema = FAILSAFE_SCHEMA.withTags(
  nullYaml11Tag,
  boolYaml11Tag,
  defineScalarTag<number>("tag:yaml.org,2002:int", {
    implicit: true,
    implicitFirstChars: NUMBER_STARTS,
    resolve: goInt,
    identify: () => false,
  }),
  defineScalarTag<number>("tag:yaml.org,2002:float", {
    implicit: true,
    implicitFirstChars: [...NUMBER_STARTS, "."],
    resolve: goFloat,
    identify: () => false,
  }),
  mergeTag,
);

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
