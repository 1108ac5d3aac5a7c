import type { Rng } from "../../src/sim/rng.ts";
import { FIRST_MS, SPAN_MS } from "./generated-series.ts";

/** Queries over the generated series, of all forms that the language has; most are right, some are not. */
export const generateQuery = (rng: Rng, experimental: boolean): string => {
  const maker = new Maker(rng, experimental);
  const kind = rng.below(20);
  if (kind === 0) return maker.scalar(3);
  if (kind === 1) return `${maker.pick(["sort", "sort_desc"])}(${maker.vector(2)})`;
  return maker.vector(3);
};

const VALUE_FUNCTIONS =
  "abs ceil floor exp sqrt ln log2 log10 atan asinh tanh sinh cosh acosh asin acos atanh deg rad sgn round".split(" ");
const DATE_FUNCTIONS = "days_in_month day_of_month day_of_week day_of_year hour minute month year".split(" ");
const RANGE_FUNCTIONS = (
  "rate increase delta irate idelta avg_over_time sum_over_time count_over_time min_over_time max_over_time " +
  "last_over_time first_over_time present_over_time stddev_over_time stdvar_over_time changes resets deriv"
).split(" ");
const EXPERIMENTAL_RANGE =
  "mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time".split(" ");
const AGGREGATIONS = "sum avg min max count group".split(" ");
const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS = ["==", "!=", ">", "<", ">=", "<="];
const LABELS = ["job", "instance", "code", "zone", "le", "version", "missing", "__name__"];

class Maker {
  readonly #rng: Rng;
  readonly #experimental: boolean;

  constructor(rng: Rng, experimental: boolean) {
    this.#rng = rng;
    this.#experimental = experimental;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.#rng.below(from.length)] as T;
  }

  #chance(share: number): boolean {
    return this.#rng.next() < share;
  }

  vector(depth: number): string {
    if (depth <= 0) return this.selector();
    switch (this.#rng.below(14)) {
      case 0:
      case 1:
        return this.selector();
      case 2:
      case 3:
      case 4:
        return this.#rangeCall(depth);
      case 5:
      case 6:
        return this.#aggregate(depth);
      case 7:
      case 8:
      case 9:
        return this.#binary(depth);
      case 10:
        return this.#valueCall(depth);
      case 11:
        return this.#histogram(depth);
      case 12:
        return this.#special(depth);
      default:
        return this.#chance(0.5) ? `-${this.vector(depth - 1)}` : `(${this.vector(depth - 1)})`;
    }
  }

  scalar(depth: number): string {
    if (depth <= 0 || this.#chance(0.4)) return this.#number();
    switch (this.#rng.below(6)) {
      case 0:
        return `scalar(${this.vector(depth - 1)})`;
      case 1:
        return "time()";
      case 2:
        return "pi()";
      case 3:
        return `(${this.scalar(depth - 1)} ${this.pick(COMPARISONS)} bool ${this.scalar(depth - 1)})`;
      default:
        return `(${this.scalar(depth - 1)} ${this.pick(ARITHMETIC)} ${this.scalar(depth - 1)})`;
    }
  }

  #number(): string {
    return this.pick(["0", "1", "2", "-1", "0.5", "3", "10", "1e3", "0x1f", "2.", ".25", "Inf", "NaN", "5m", "1_000"]);
  }

  selector(): string {
    return `${this.#bareSelector()}${this.#shift()}`;
  }

  #bareSelector(): string {
    const name = this.pick(
      "requests_total queue_depth temperature latency_bucket latency_sum build_info weird absent_metric".split(" "),
    );
    const matchers = Array.from({ length: this.#chance(0.5) ? this.#rng.below(3) : 0 }, () => this.#matcher());
    if (this.#chance(0.07)) {
      return `{${['__name__=~"requests_total|queue_depth|temp.*"', ...matchers].join(",")}}`;
    }
    return matchers.length === 0 ? name : `${name}{${matchers.join(",")}}`;
  }

  #matcher(): string {
    return this.pick([
      'job="api"',
      'job!="api"',
      'instance=~"[01]"',
      'instance!~"1.*"',
      'instance=~"1?0?"',
      'code="200"',
      'code=~"5.."',
      'kind=~"n.*|INF"',
      'kind=~"(?i)INF"',
      'zone=~".+"',
      'zone=""',
      'le!="+Inf"',
      'version=~"v[^1]|v1"',
    ]);
  }

  #shift(): string {
    const at = this.#chance(0.12) ? ` @ ${this.#at()}` : "";
    const offset = this.#chance(0.15) ? ` offset ${this.pick(["1m", "5m", "37s", "-1m", "15s", "1m30s"])}` : "";
    return this.#chance(0.5) ? at + offset : offset + at;
  }

  #at(): string {
    if (this.#chance(0.3)) return this.pick(["start()", "end()"]);
    return String((FIRST_MS + this.#rng.below(SPAN_MS)) / 1000);
  }

  #range(depth: number): string {
    const size = this.pick(["1m", "5m", "2m30s", "15s", "30s", "10m", "1m1ms", "90"]);
    if (depth > 0 && this.#chance(0.3)) {
      const step = this.pick(["", "30s", "1m", "17s", "15s"]);
      const inner = this.vector(Math.min(1, depth - 1));
      return `(${inner})[${size}:${step}]${this.#shift()}`;
    }
    return `${this.#bareSelector()}[${size}]${this.#shift()}`;
  }

  /** A server may have ranges that reach to their very ends. */
  #extended(): string {
    const extension = this.pick(["anchored", "smoothed"]);
    const call = this.pick(
      extension === "anchored" ? ["rate", "increase", "delta", "changes", "resets"] : ["rate", "increase", "delta"],
    );
    const [selector, size] = [this.#bareSelector(), this.pick(["1m", "5m", "30s", "90"])];
    return this.#chance(0.2) ? `${selector} smoothed` : `${call}(${selector}[${size}] ${extension}${this.#shift()})`;
  }

  #rangeCall(depth: number): string {
    if (this.#experimental && this.#chance(0.1)) return this.#extended();
    const range = this.#range(depth);
    const kind = this.#rng.below(this.#experimental ? 12 : 10);
    if (kind === 0) return `quantile_over_time(${this.pick(["0", "0.5", "0.9", "1", "1.5", "NaN"])}, ${range})`;
    if (kind === 1) return `predict_linear(${range}, ${this.pick(["60", "-300", "0"])})`;
    if (kind === 2) return `absent_over_time(${range})`;
    if (kind === 10) return `${this.pick(EXPERIMENTAL_RANGE)}(${range})`;
    if (kind === 11) return `double_exponential_smoothing(${range}, 0.3, 0.6)`;
    return `${this.pick(RANGE_FUNCTIONS)}(${range})`;
  }

  #labels(): string {
    return Array.from({ length: this.#rng.below(3) }, () => this.pick(LABELS)).join(",");
  }

  #aggregate(depth: number): string {
    const by = this.#chance(0.6) ? ` ${this.pick(["by", "without"])} (${this.#labels()})` : "";
    const inner = this.vector(depth - 1);
    const kind = this.#rng.below(10);
    if (kind === 0) return `topk${by}(${this.pick(["1", "3", "0", "2.7"])}, ${this.#distinct()})`;
    if (kind === 1) return `bottomk${by}(${this.pick(["1", "2", "-1"])}, ${this.#distinct()})`;
    if (kind === 5 && this.#experimental) {
      return `limit_ratio${by}(${this.pick(["0.5", "-0.5", "0.1", "-0.9", "2", "0"])}, ${inner})`;
    }
    if (kind === 2) return `quantile${by}(${this.pick(["0.5", "0", "0.95", "2", "-1", "NaN"])}, ${inner})`;
    // Not compensated: of great numbers the order of series decides.
    if (kind === 4) return `${this.pick(["stddev", "stdvar"])}${by}(${this.#distinct()})`;
    if (kind === 3) return `count_values${by}("${this.pick(["value", "job"])}", ${this.#exact()})`;
    return this.#chance(0.5)
      ? `${this.pick(AGGREGATIONS)}${by}(${inner})`
      : `${this.pick(AGGREGATIONS)}(${inner})${by}`;
  }

  /** As labels, values must be the same to the last digit. */
  #exact(): string {
    return this.pick([
      "requests_total",
      "queue_depth",
      "weird",
      "floor(temperature)",
      "latency_sum",
      "round(temperature, 5)",
    ]);
  }

  /** Of great numbers the last digit decides. */
  #periodic(): string {
    return `${this.pick(["sin", "cos", "tan"])}(${this.pick(["temperature", "queue_depth offset 1m", "(latency_sum / 100)"])})`;
  }

  /** Which of equals are kept depends on a server's order of series. */
  #distinct(): string {
    return this.pick([
      "temperature",
      "avg_over_time(temperature[3m])",
      "-temperature",
      "temperature * 2",
      "temperature ^ 3",
    ]);
  }

  #binary(depth: number): string {
    const [left, right] = [this.vector(depth - 1), this.vector(depth - 1)];
    const kind = this.#rng.below(8);
    if (kind === 0) return `${left} ${this.pick(ARITHMETIC)} ${this.scalar(depth - 1)}`;
    if (kind === 1) return `${this.scalar(depth - 1)} ${this.pick(ARITHMETIC)} ${right}`;
    if (kind === 2) return `${left} ${this.pick(COMPARISONS)}${this.#bool()} ${this.scalar(depth - 1)}`;
    if (kind === 3) return `${this.scalar(depth - 1)} ${this.pick(COMPARISONS)}${this.#bool()} ${right}`;
    if (kind === 4) return `${left} ${this.pick(["and", "or", "unless"])}${this.#on()} ${right}`;
    if (kind === 5) return this.#grouped();
    const operator = this.#chance(0.6) ? this.pick(ARITHMETIC) : `${this.pick(COMPARISONS)}${this.#bool()}`;
    return `${left} ${operator}${this.#on()} ${right}`;
  }

  #bool(): string {
    return this.#chance(0.4) ? " bool" : "";
  }

  #on(): string {
    return this.#chance(0.6) ? ` ${this.pick(["on", "ignoring"])} (${this.#labels()})` : "";
  }

  /** One on the one side by its making. */
  #grouped(): string {
    const many = this.pick(["requests_total", "rate(requests_total[5m])", "requests_total > 20", "latency_bucket"]);
    const one = this.pick([
      "queue_depth",
      "build_info",
      "sum by (job, instance) (requests_total)",
      "max by (job) (queue_depth)",
    ]);
    const on = this.pick([
      "on (job, instance)",
      "on (job)",
      "ignoring (code, version)",
      "ignoring (code)",
      "ignoring(code,le)",
    ]);
    const include = this.pick(["", "()", "(version)", "(zone)", "(version, code)"]);
    const operator = this.pick(["*", "/", "+", ">", "== bool", "-"]);
    if (this.#chance(0.5)) return `${many} ${operator} ${on} group_left${include} ${one}`;
    return `${one} ${operator} ${on} group_right${include} ${many}`;
  }

  #valueCall(depth: number): string {
    const inner = this.vector(depth - 1);
    switch (this.#rng.below(9)) {
      case 0:
        return `clamp(${inner}, ${this.scalar(1)}, ${this.scalar(1)})`;
      case 1:
        return `clamp_max(${inner}, ${this.scalar(1)})`;
      case 2:
        return `clamp_min(${inner}, ${this.scalar(1)})`;
      case 3:
        return `round(${inner}, ${this.pick(["0.1", "5", "0.25", "100"])})`;
      case 4:
        return `${this.pick(DATE_FUNCTIONS)}(${this.#chance(0.3) ? "" : "vector(time() + 86400 * 17) or requests_total * 99999"})`;
      case 5:
        return this.#periodic();
      default:
        return `${this.pick(VALUE_FUNCTIONS)}(${inner})`;
    }
  }

  #histogram(depth: number): string {
    const q = this.pick(["0.5", "0.9", "0", "1", "0.99", "1.1", "-0.1"]);
    const buckets = this.pick([
      "latency_bucket",
      "rate(latency_bucket[5m])",
      "sum by (le) (rate(latency_bucket[2m30s]))",
      "sum by (le, job) (latency_bucket)",
      "latency_bucket - 3 * latency_bucket offset 3m",
      this.vector(depth - 1),
    ]);
    return this.#chance(0.7)
      ? `histogram_quantile(${q}, ${buckets})`
      : `histogram_fraction(${this.pick(["0", "0.3", "-Inf"])}, ${this.pick(["0.5", "1.7", "Inf"])}, ${buckets})`;
  }

  #special(depth: number): string {
    const inner = this.vector(depth - 1);
    switch (this.#rng.below(8)) {
      case 0:
        return `absent(${inner})`;
      case 1:
        return `vector(${this.scalar(2)})`;
      case 2:
        return `timestamp(${inner} + 0)`;
      case 3:
        return `label_replace(${inner}, "${this.pick(["new", "job", "__name__"])}", "${this.pick(["x-$1", "$0", "${1}y", ""])}", "instance", "${this.pick(["(.*)", "([0-9]).*", "1|2", "(?:0)(.?)"])}")`;
      case 4:
        return `label_join(${inner}, "${this.pick(["new", "job"])}", "-", "job", "instance")`;
      case 5:
        // With both an `@` and an offset, Prometheus forgets half of the offset (docs/promql.md).
        return `timestamp(${this.#bareSelector()}${this.#chance(0.5) ? ` @ ${this.#at()}` : " offset 1m"})`;
      case 6:
        return `(${inner}) or vector(0)`;
      default:
        return `${this.pick(["histogram_count", "histogram_sum", "histogram_avg"])}(${inner})`;
    }
  }
}
