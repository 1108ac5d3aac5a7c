import type { Duration } from "./ast.ts";
import { LONGEST_MS } from "./durations.ts";
import { maxOf, minOf, power } from "./go-numbers.ts";
import { QueryError } from "./query-error.ts";

interface Times {
  readonly stepMs: number;
  readonly rangeMs: number;
}

/** @returns whole milliseconds. @throws QueryError. Source: promql/durations.go, Prometheus 3.14. */
export const computeDurationMs = (duration: Duration, times: Times, signed: boolean): number => {
  const seconds = compute(duration, times);
  if (!Number.isFinite(seconds)) throw new QueryError("duration is NaN or infinite");
  if (seconds <= 0 && !signed) throw new QueryError("duration must be greater than 0");
  if (Math.abs(seconds) * 1000 > LONGEST_MS) throw new QueryError("duration is out of range");
  return duration.kind === "computed" ? Math.trunc(seconds * 1000) : Math.round(seconds * 1000);
};

const compute = (duration: Duration, times: Times): number => {
  switch (duration.kind) {
    case "seconds":
      return duration.seconds;
    case "step":
      return times.stepMs / 1000;
    case "range":
      return times.rangeMs / 1000;
    case "negated":
      return -compute(duration.of, times);
    case "computed":
      return combine(duration.operator, compute(duration.left, times), compute(duration.right, times));
  }
};

const combine = (operator: (Duration & { kind: "computed" })["operator"], left: number, right: number): number => {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      if (right === 0) throw new QueryError("division by zero");
      return left / right;
    case "%":
      if (right === 0) throw new QueryError("modulo by zero");
      return left % right;
    case "^":
      return power(left, right);
    case "min":
      return minOf(left, right);
    case "max":
      return maxOf(left, right);
  }
};
