import { quantityMilli } from "../../../controlplane/hpa/quantity.ts";
import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";

/** Says of fields of an autoscaler what the API server would refuse, in its words. */
export class ApiCheck {
  readonly #problems: Problem[];
  readonly #reason: string;

  /** @param problems where they are told */
  constructor(problems: Problem[], reason = "InvalidAutoscaler") {
    this.#problems = problems;
    this.#reason = reason;
  }

  integer(field: Field): Known<number> | undefined {
    if (!field.present) return undefined;
    if (Number.isSafeInteger(field.raw)) return known(field.raw as number, field.from);
    this.error(field, `must be a whole number, not ${JSON.stringify(field.raw)}`, "Malformed");
    return undefined;
  }

  /** In thousandths, rounded up as the API machinery's MilliValue. */
  quantity(field: Field, bound: string, least: number): Known<number> | undefined {
    if (!field.present) return undefined;
    const parsed = quantityMilli(typeof field.raw === "number" ? field.raw : String(field.raw));
    if (!parsed.ok) {
      this.#problems.push(...parsed.problems.map((one) => ({ ...one, object: field.object, field: field.path })));
      return undefined;
    }
    const milli = Number(parsed.value);
    if (milli < least) this.invalid(field, bound);
    return known(milli, field.from);
  }

  invalid(field: Field, why: string, value: unknown = field.raw): void {
    this.error(field, `Invalid value: ${JSON.stringify(value)}: ${why}`);
  }

  required(field: Field, why = ""): void {
    this.error(field, why === "" ? "Required value" : `Required value: ${why}`);
  }

  unsupported(field: Field, choices: readonly string[]): void {
    const list = choices.map((choice) => JSON.stringify(choice)).join(", ");
    this.error(field, `Unsupported value: ${JSON.stringify(field.raw ?? "")}: supported values: ${list}`);
  }

  error(field: Field, message: string, reason = this.#reason): void {
    this.#problems.push({ severity: "error", reason, object: field.object, field: field.path, message });
  }

  warn(field: Field, reason: string, message: string): void {
    this.#problems.push({ severity: "warning", reason, object: field.object, field: field.path, message });
  }
}

/** Whose default a value is that an object leaves out. */
export const byApi = (what: string) => ({ kind: "default" as const, why: `Kubernetes: ${what}` });
