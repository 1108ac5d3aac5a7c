/** A regular expression of RE2's syntax, looked for anywhere in a text: what Go's regexp package makes of a pattern. */
export interface SearchRegexp {
  /** Names of the groups, the whole first; "" for one without a name. */
  readonly groups: readonly string[];
  /** @returns groups of the leftmost match, the whole first; undefined for one that took no part, or where nothing matches */
  search(text: string): readonly (string | undefined)[] | undefined;
}

export type CompiledRegexp =
  | { readonly ok: true; readonly regexp: SearchRegexp }
  | { readonly ok: false; readonly message: string };

/** Handed in, since whoever has such expressions is a neighbour. */
export type CompileRegexp = (pattern: string) => CompiledRegexp;

const REFERENCE = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

/**
 * Puts groups of a match in the places of `$1`, `$name`, `${1}` and `${name}`; `$$` is a dollar. A name is as long as
 * it can be (`$1_x` asks for a group `1_x`), and a group that is not there is nothing.
 * Source: Regexp.ExpandString of Go 1.22.
 */
export const expandGroups = (as: string, { groups }: SearchRegexp, match: readonly (string | undefined)[]): string =>
  as.replace(REFERENCE, (reference, braced?: string, bare?: string) => {
    if (reference === "$$") return "$";
    const name = braced ?? bare ?? "";
    return (isNumber(name) ? match[Number(name)] : match.find((_, i) => groups[i] === name)) ?? "";
  });

/** @returns what `as` refers to and the expression has not */
export const unknownGroups = (as: string, { groups }: SearchRegexp): readonly string[] =>
  [...as.matchAll(REFERENCE)].flatMap(([reference, braced, bare]) => {
    const name = braced ?? bare ?? "";
    const there = isNumber(name) ? Number(name) < groups.length : groups.includes(name);
    return reference === "$$" || there ? [] : [reference];
  });

const isNumber = (name: string): boolean => /^(?:0|[1-9]\d{0,7})$/.test(name);
