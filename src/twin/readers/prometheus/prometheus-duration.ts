import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import { parseDurationMs } from "../../../promql/index.ts";
import type { Field } from "../../field.ts";

/** @returns seconds; undefined where it is left out or empty, or no duration as Prometheus writes them, which is told */
export const promDuration = (field: Field, problems: Problem[]): Known<number> | undefined => {
  const said = field.text();
  if (said === undefined || said.value === "") return undefined;
  const ms = parseDurationMs(said.value);
  if (ms !== undefined) return known(ms / 1000, said.from);
  problems.push({
    severity: "error",
    reason: "BadDuration",
    ...field.place,
    message: `must be a duration such as 30s, 1m30s or 500ms, got "${said.value}"`,
  });
  return undefined;
};
