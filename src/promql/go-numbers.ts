/**
 * Numbers as Go's strconv reads and writes them, where JavaScript does otherwise.
 * Source: Go 1.26, strconv and math.
 */

const INF = /^[+-]?inf(inity)?$/i;
const DIGITS = "\\d+(?:_\\d+)*";
const DECIMAL = new RegExp(`^[+-]?(?:${DIGITS}\\.?(?:${DIGITS})?|\\.${DIGITS})(?:e[+-]?${DIGITS})?$`, "i");
const HEX_FLOAT = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)$/i;

/** strconv.ParseFloat. @returns undefined for what it refuses */
export const parseFloat64 = (text: string): number | undefined => {
  if (INF.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return text.length === 3 ? Number.NaN : undefined;
  if (DECIMAL.test(text)) return Number(text.replaceAll("_", ""));
  const hex = HEX_FLOAT.exec(text);
  if (hex === null || `${hex[2]}${hex[3]}` === "") return undefined;
  const mantissa = Number(`0x${hex[2]}${hex[3]}`);
  return (hex[1] === "-" ? -1 : 1) * mantissa * 2 ** (Number(hex[4]) - 4 * (hex[3] as string).length);
};

const WHOLE: readonly (readonly [RegExp, number, number])[] = [
  [/^0x_?[0-9a-f]+(_[0-9a-f]+)*$/i, 16, 2],
  [/^0b_?[01]+(_[01]+)*$/i, 2, 2],
  [/^0o_?[0-7]+(_[0-7]+)*$/i, 8, 2],
  [/^0_?[0-7]*(_[0-7]+)*$/, 8, 0],
  [/^[1-9]\d*(_\d+)*$/, 10, 0],
];

/** A number of a query: a whole one in any of Go's bases (`010` is 8), else a float. */
export const parseNumber = (text: string): number | undefined => {
  for (const [pattern, base, prefix] of WHOLE) {
    if (!pattern.test(text)) continue;
    const digits = text.slice(prefix).replaceAll("_", "");
    const value = base === 10 ? Number(digits) : Number.parseInt(digits, base);
    if (value < 2 ** 63) return value;
  }
  return parseFloat64(text);
};

const special = (value: number): string => (Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");

/** FormatFloat(value, 'f', -1, 64): the shortest digits that read back the same, never an exponent. */
export const plainText = (value: number): string => {
  if (!Number.isFinite(value)) return special(value);
  if (Object.is(value, -0)) return "-0";
  const [mantissa = "", power = "0"] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const point = Number(power) + 1;
  const sign = value < 0 ? "-" : "";
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + (value === 0 ? "0" : digits + "0".repeat(point - digits.length));
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
};

/** FormatFloat(value, 'g', -1, 64): with an exponent below 10^-4 and from 10^6 on. */
export const shortText = (value: number): string => {
  if (!Number.isFinite(value) || value === 0) return plainText(value);
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return plainText(value);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
};

/** A number as a label's value: `1.0`, `0.5`, `+Inf`. Source: labels.FormatOpenMetricsFloat, Prometheus 3. */
export const openMetricsText = (value: number): string => {
  const text = shortText(value);
  return !Number.isFinite(value) || /[.e]/.test(text) ? text : `${text}.0`;
};

/** math.Max: an infinity wins even over NaN. */
export const maxOf = (a: number, b: number): number =>
  a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : Math.max(a, b);

/** math.Min: a negative infinity wins even over NaN. */
export const minOf = (a: number, b: number): number =>
  a === Number.NEGATIVE_INFINITY || b === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : Math.min(a, b);

/** math.Pow: 1 to any power is 1, even to NaN; -1 to an infinite power is 1. */
export const power = (base: number, exponent: number): number => {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
};
