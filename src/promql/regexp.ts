import { inRanges, parseRegexp, type Ranges, RegexpError, type RegexpNode } from "./regexp-syntax.ts";

export { RegexpError } from "./regexp-syntax.ts";

/**
 * RE2's regular expressions, matched in time proportional to pattern times text: all ways through the pattern are followed
 * side by side (Pike's machine), so that no pattern of a user's can hang the evaluator, as a backtracking matcher would.
 */
export interface Regexp {
  /** The whole text. */
  matches(text: string): boolean;
  /** @returns the groups of a match of the whole text, the whole first; undefined for one that took no part */
  exec(text: string): readonly (string | undefined)[] | undefined;
  /** Names of the groups, the whole first; "" for one without a name. */
  readonly groups: readonly string[];
}

type Step =
  | { readonly op: "set"; readonly ranges: Ranges }
  | { readonly op: "class"; readonly has: (codePoint: number) => boolean }
  | { readonly op: "assert"; readonly what: (RegexpNode & { kind: "assert" })["what"] }
  | { readonly op: "split"; first: number; second: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "save"; readonly slot: number }
  | { readonly op: "match" };

/** A pattern whose program is longer is refused; RE2 has such a limit too. */
const MOST_STEPS = 20_000;

/**
 * Anchored at both ends, and `.` matches line breaks, as Prometheus 3 wraps every pattern: `^(?s:…)$`.
 *
 * @throws RegexpError
 */
export const compileRegexp = (pattern: string): Regexp => {
  const { root, groups } = parseRegexp(pattern, true);
  const program: Step[] = [];
  emit(program, { kind: "capture", of: root, index: 0 });
  program.push({ op: "match" });
  const literal = literalOf(root);
  return {
    groups,
    matches: literal === undefined ? (text) => run(program, text, 0) !== undefined : (text) => text === literal,
    exec: (text) => {
      const saved = run(program, text, groups.length * 2);
      if (saved === undefined) return undefined;
      const chars = [...text];
      return groups.map((_, i) => {
        const from = saved[2 * i] ?? -1;
        const to = saved[2 * i + 1] ?? -1;
        return from < 0 || to < 0 ? undefined : chars.slice(from, to).join("");
      });
    },
  };
};

/** The text, if the pattern is nothing but one. */
const literalOf = (root: RegexpNode): string | undefined => {
  const parts = root.kind === "all" ? root.parts : root.kind === "empty" ? [] : [root];
  const codes = parts.map((part) =>
    part.kind === "set" && part.ranges.length === 2 && part.ranges[0] === part.ranges[1] ? part.ranges[0] : undefined,
  );
  return codes.includes(undefined) ? undefined : String.fromCodePoint(...(codes as number[]));
};

const push = (program: Step[], step: Step): number => {
  if (program.length >= MOST_STEPS) throw new RegexpError("error parsing regexp: expression too large");
  return program.push(step) - 1;
};

const emit = (program: Step[], node: RegexpNode): void => {
  switch (node.kind) {
    case "empty":
      return;
    case "set":
      push(program, { op: "set", ranges: node.ranges });
      return;
    case "class":
      push(program, { op: "class", has: node.has });
      return;
    case "assert":
      push(program, { op: "assert", what: node.what });
      return;
    case "all":
      for (const part of node.parts) emit(program, part);
      return;
    case "any":
      emitAny(program, node.parts);
      return;
    case "repeat":
      emitRepeat(program, node);
      return;
    case "capture":
      push(program, { op: "save", slot: 2 * node.index });
      emit(program, node.of);
      push(program, { op: "save", slot: 2 * node.index + 1 });
  }
};

const emitAny = (program: Step[], parts: readonly RegexpNode[]): void => {
  const jumps: { op: "jump"; to: number }[] = [];
  parts.forEach((part, i) => {
    if (i === parts.length - 1) return emit(program, part);
    const split = { op: "split" as const, first: 0, second: 0 };
    push(program, split);
    split.first = program.length;
    emit(program, part);
    const jump = { op: "jump" as const, to: 0 };
    push(program, jump);
    jumps.push(jump);
    split.second = program.length;
  });
  for (const jump of jumps) jump.to = program.length;
};

const emitRepeat = (program: Step[], { of, least, most, lazy }: RegexpNode & { kind: "repeat" }): void => {
  for (let i = 0; i < least; i += 1) emit(program, of);
  if (most === Infinity) {
    const split = { op: "split" as const, first: 0, second: 0 };
    const at = push(program, split);
    emit(program, of);
    push(program, { op: "jump", to: at });
    branch(split, at + 1, program.length, lazy);
    return;
  }
  const splits: { split: { op: "split"; first: number; second: number }; at: number }[] = [];
  for (let i = least; i < most; i += 1) {
    const split = { op: "split" as const, first: 0, second: 0 };
    splits.push({ split, at: push(program, split) });
    emit(program, of);
  }
  for (const { split, at } of splits) branch(split, at + 1, program.length, lazy);
};

const branch = (split: { first: number; second: number }, inside: number, after: number, lazy: boolean): void => {
  split.first = lazy ? after : inside;
  split.second = lazy ? inside : after;
};

/** Ways through the program that are alive at one place of the text, the preferred first. */
class Threads {
  readonly at: number[] = [];
  readonly saved: (readonly number[])[] = [];
  readonly #seen: Uint32Array;
  #round = 0;

  constructor(size: number) {
    this.#seen = new Uint32Array(size);
  }

  clear(): void {
    this.at.length = 0;
    this.saved.length = 0;
    this.#round += 1;
  }

  /** @returns whether it was not there yet */
  visit(step: number): boolean {
    if (this.#seen[step] === this.#round) return false;
    this.#seen[step] = this.#round;
    return true;
  }
}

/** @returns what was saved on the preferred way that matches the whole text; undefined without one */
const run = (program: readonly Step[], text: string, slots: number): readonly number[] | undefined => {
  const codes = Array.from(text, (char) => char.codePointAt(0) as number);
  let current = new Threads(program.length);
  let next = new Threads(program.length);
  current.clear();
  follow(program, current, 0, codes, 0, [], slots);
  for (let i = 0; i < codes.length; i += 1) {
    next.clear();
    for (let k = 0; k < current.at.length; k += 1) {
      const step = program[current.at[k] as number] as Step;
      if (!accepts(step, codes[i] as number)) continue;
      follow(program, next, (current.at[k] as number) + 1, codes, i + 1, current.saved[k] as readonly number[], slots);
    }
    [current, next] = [next, current];
    if (current.at.length === 0) return undefined;
  }
  const winner = current.at.findIndex((at) => program[at]?.op === "match");
  return winner < 0 ? undefined : current.saved[winner];
};

const accepts = (step: Step, code: number): boolean =>
  step.op === "set" ? inRanges(step.ranges, code) : step.op === "class" && step.has(code);

/** Adds all that is reached from a step without taking a character, in order of preference. */
const follow = (
  program: readonly Step[],
  threads: Threads,
  start: number,
  codes: readonly number[],
  place: number,
  saved: readonly number[],
  slots: number,
): void => {
  const open: { at: number; saved: readonly number[] }[] = [{ at: start, saved }];
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (!threads.visit(top.at)) continue;
    const step = program[top.at] as Step;
    if (step.op === "jump") open.push({ at: step.to, saved: top.saved });
    else if (step.op === "split") {
      open.push({ at: step.second, saved: top.saved }, { at: step.first, saved: top.saved });
    } else if (step.op === "assert") {
      if (holds(step.what, codes, place)) open.push({ at: top.at + 1, saved: top.saved });
    } else if (step.op === "save") {
      open.push({ at: top.at + 1, saved: step.slot < slots ? withSlot(top.saved, step.slot, place) : top.saved });
    } else {
      threads.at.push(top.at);
      threads.saved.push(top.saved);
    }
  }
};

const withSlot = (saved: readonly number[], slot: number, place: number): readonly number[] => {
  const copy = [...saved];
  while (copy.length <= slot) copy.push(-1);
  copy[slot] = place;
  return copy;
};

const LINE_BREAK = 10;

const holds = (what: string, codes: readonly number[], place: number): boolean => {
  switch (what) {
    case "start":
      return place === 0;
    case "end":
      return place === codes.length;
    case "line-start":
      return place === 0 || codes[place - 1] === LINE_BREAK;
    case "line-end":
      return place === codes.length || codes[place] === LINE_BREAK;
    default:
      return (isWord(codes[place - 1]) !== isWord(codes[place])) === (what === "word");
  }
};

const isWord = (code: number | undefined): boolean =>
  code !== undefined && inRanges([48, 57, 65, 90, 95, 95, 97, 122], code);
