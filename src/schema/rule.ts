import type * as z from "zod";

/** A rule over several fields, said once: zod holds it, and so does the API server where CEL can say it. */
export interface Rule<T> {
  /** What must hold, in plain words. */
  readonly message: string;
  /** The field to blame, from the ruled value on. Left out: the value itself. */
  readonly field?: readonly string[];
  /** What would be right, where the message doesn't say it. */
  readonly fix?: string;
  /** The same in CEL. Left out: only zod holds it. */
  readonly cel?: string;
  readonly holds: (value: T) => boolean;
}

/** `schema`, for which `rules` hold. They are asked only once the shape is right. */
export const ruled = <S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S =>
  schema
    .superRefine((value, context) => {
      if (context.issues.length > 0) return;
      for (const { holds, message, field = [], fix } of rules) {
        if (!holds(value)) context.addIssue({ code: "custom", message, path: [...field], params: { fix } });
      }
    })
    .meta({ "x-kubernetes-validations": rules.flatMap(celRule) }) as S;

const celRule = ({ cel, message, field }: Rule<never>) =>
  cel === undefined
    ? []
    : [{ rule: cel, message, ...(field === undefined ? {} : { fieldPath: field.map((step) => `.${step}`).join("") }) }];

/** A list that holds no two entries with the same `keys`; the API server sees to it, and merges by them. */
export const keyedList = <S extends z.ZodType<readonly object[]>>(list: S, keys: readonly string[]): S =>
  list
    .superRefine((entries, context) => {
      if (context.issues.length > 0) return;
      const seen = new Set<string>();
      for (const [index, entry] of entries.entries()) {
        const key = keys.map((name) => String((entry as Record<string, unknown>)[name])).join("/");
        const message = `${key} is named twice`;
        if (seen.has(key))
          context.addIssue({ code: "custom", message, path: [index], params: { fix: "drop one, or rename it" } });
        seen.add(key);
      }
    })
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [...keys] }) as S;
