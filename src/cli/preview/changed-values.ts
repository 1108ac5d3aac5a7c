import { describeSource } from "../../model/known.ts";
import type { MirroredValue } from "../../twin/mirror.ts";

/** A value of the effective configuration that is another with the change, or comes or goes with it. */
export interface ChangedValue {
  /** `autoscalers[chat].minReplicas`. */
  readonly path: string;
  readonly before?: MirroredValue["value"];
  readonly after?: MirroredValue["value"];
  /** Where it comes from now; of one that is gone, where it came from. */
  readonly from: string;
}

/** What the simulation goes by, before and after: not what the YAML says, but what is derived from it. In order of the values. */
export const changedValues = (
  before: readonly MirroredValue[],
  after: readonly MirroredValue[],
): readonly ChangedValue[] => {
  const [was, is] = [before, after].map((values) => new Map(values.map((one) => [one.path, one])));
  const here = after.flatMap(({ path, value, from }): ChangedValue[] => {
    const old = was?.get(path);
    if (old?.value === value) return [];
    return [{ path, ...(old === undefined ? {} : { before: old.value }), after: value, from: describeSource(from) }];
  });
  const gone = before.flatMap(({ path, value, from }): ChangedValue[] =>
    is?.has(path) === true ? [] : [{ path, before: value, from: describeSource(from) }],
  );
  return [...here, ...gone];
};
