/** A replica count over time: one step per rescale. */
export interface Course {
  readonly start: number;
  /** In order of time. */
  readonly steps: readonly { readonly atSeconds: number; readonly replicas: number }[];
}

/**
 * Two courses agree at an instant if each has a value there that lies between those the other has within `tolerance` of it: a
 * rescale may come so much sooner or later, but no level that only one of them holds counts.
 *
 * @returns the share of the time at which they don't, looked at every tenth of a second
 */
export const apart = (a: Course, b: Course, tolerance: number, untilSeconds: number): number => {
  let [looks, off] = [0, 0];
  for (let at = 0; at <= untilSeconds - tolerance; at += 0.1) {
    looks += 1;
    const agree = within(valueAt(a, at), range(b, at, tolerance)) && within(valueAt(b, at), range(a, at, tolerance));
    if (!agree) off += 1;
  }
  return off / looks;
};

const valueAt = ({ start, steps }: Course, at: number): number =>
  steps.filter(({ atSeconds }) => atSeconds <= at).at(-1)?.replicas ?? start;

const range = (course: Course, at: number, tolerance: number): readonly number[] => [
  valueAt(course, at - tolerance),
  ...course.steps.filter(({ atSeconds }) => Math.abs(atSeconds - at) <= tolerance).map(({ replicas }) => replicas),
];

const within = (value: number, all: readonly number[]): boolean =>
  value >= Math.min(...all) && value <= Math.max(...all);
