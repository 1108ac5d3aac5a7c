import {
  boolYaml11Tag,
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
