/**
 * A number as prometheus_client (Python) 0.21 spells it: `1.0`, `0.005`, `1e-05`, `1.048576e+06`, `+Inf`. It matters where a
 * number is a label: `le="1.0"` and `le="1"` are two series to Prometheus 2.
 * Source: `floatToGoString` over Python's `repr`; from 10^10 on its exponent has a superfluous zero, which is left out here.
 */
export const floatText = (value: number): string => {
  // What most samples are.
  if (Number.isInteger(value) && value >= 1 && value < 1e6) return `${value}.0`;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  const plain = value > 0 ? exponent >= -4 && exponent < 6 : exponent >= -4 && exponent < 16;
  if (plain) return Number.isInteger(value) ? `${value}.0` : String(value);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
};
