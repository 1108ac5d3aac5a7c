/** For what only we can get wrong. A user's mistake is a Problem, not this. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${message}`);
}
