import type { CandidatePatch } from "../../schema/candidate.ts";
import { KIND } from "../../schema/resource.ts";
import type { SweepParameter } from "../../schema/sweep.ts";

/** @returns one patch per parameter. @param there what the field holds now; a number is written as text where that is text */
export const patchOf = ({ target, path }: SweepParameter, value: unknown, there: unknown): CandidatePatch => {
  const written = typeof there === "string" && typeof value === "number" ? String(value) : value;
  // What a simulation overrides is mostly not there yet.
  if (target.kind === KIND) return { target, merge: nested(stepsOf(path), written) };
  return { target, json6902: [{ op: "replace", path, value: written }] };
};

/** Source: RFC 6901, section 4. */
export const stepsOf = (path: string): readonly string[] =>
  path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

/** What is there now; undefined: nothing is. */
export const valueAt = (object: unknown, path: string): unknown =>
  stepsOf(path).reduce<unknown>(
    (at, step) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, step)
        ? (at as Record<string, unknown>)[step]
        : undefined,
    object,
  );

/** The patches as one merge patch of `object` (RFC 7386), as `kubectl patch --type=merge` takes it; lists are told whole. */
export const mergePatchOf = (object: unknown, patches: readonly CandidatePatch[]): unknown => {
  const changes = patches.flatMap(({ json6902 = [] }) =>
    json6902.map(({ path, value }) => ({ steps: stepsOf(path), value })),
  );
  return changedPart(object, changes);
};

interface Change {
  readonly steps: readonly string[];
  readonly value?: unknown;
}

const changedPart = (there: unknown, changes: readonly Change[]): unknown => {
  const whole = changes.findLast(({ steps }) => steps.length === 0);
  if (whole !== undefined) return whole.value;
  const under = new Map<string, Change[]>();
  for (const { steps, value } of changes) {
    const [first = "", ...rest] = steps;
    under.set(first, [...(under.get(first) ?? []), { steps: rest, value }]);
  }
  // Inside a list everything is told, so what doesn't change as well.
  if (Array.isArray(there)) return there.map((item, i) => rewritten(item, under.get(String(i)) ?? []));
  const held = (there ?? {}) as Record<string, unknown>;
  return Object.fromEntries([...under].map(([key, inside]) => [key, changedPart(held[key], inside)]));
};

const rewritten = (there: unknown, changes: readonly Change[]): unknown => {
  if (changes.length === 0) return there;
  const part = changedPart(there, changes);
  if (changes.some(({ steps }) => steps.length === 0) || Array.isArray(there)) return part;
  const held = there as Record<string, unknown>;
  const inner = new Set(changes.map(({ steps }) => steps[0]));
  return Object.fromEntries(
    Object.entries(held).map(([key, value]) => [
      key,
      inner.has(key)
        ? rewritten(
            value,
            changes
              .filter(({ steps }) => steps[0] === key)
              .map(({ steps, value: to }) => ({ steps: steps.slice(1), value: to })),
          )
        : value,
    ]),
  );
};

const nested = (steps: readonly string[], value: unknown): Record<string, unknown> => {
  const [first = "", ...rest] = steps;
  return { [first]: rest.length === 0 ? value : nested(rest, value) };
};
