import { html, type Markup } from "./html.ts";
import type { MirroredView } from "./view.ts";

/** A part of a path, what was derived there, and what lies below it. */
export interface DerivationNode {
  readonly name: string;
  readonly path: string;
  /** More than one where a value was derived in steps. */
  readonly values: readonly MirroredView[];
  readonly below: readonly DerivationNode[];
}

/** Values by the parts of their paths (`workloads[0].engine.blockSize`), in the order in which they come first. */
export const derivationTree = (mirrored: readonly MirroredView[], path = ""): readonly DerivationNode[] => {
  const branches = new Map<string, MirroredView[]>();
  for (const value of mirrored) {
    const name = nextPart(value.path.slice(path.length));
    branches.set(name, [...(branches.get(name) ?? []), value]);
  }
  return [...branches].map(([name, values]) => {
    const here = path + name;
    return {
      name: name.replace(/^\./, ""),
      path: here,
      values: values.filter((one) => one.path === here),
      below: derivationTree(
        values.filter((one) => one.path !== here),
        here,
      ),
    };
  });
};

/** A name with the dot before it, or an index with its brackets; never empty unless the rest is. */
const nextPart = (rest: string): string => /^(?:\.?[^.[]+|\[[^\]]*\]|[\s\S]+)/.exec(rest)?.[0] ?? "";

/** Branches that fold; leaves say the value and where it comes from. Works with the keyboard and without scripts. */
export const derivation = (mirrored: readonly MirroredView[]): Markup =>
  html`<ul class="tree">${derivationTree(mirrored).map((node) => branch(node, true))}</ul>`;

const branch = (node: DerivationNode, open: boolean): Markup => {
  // A chain without choices reads as one.
  const only = node.values.length === 0 && node.below.length === 1 ? node.below[0] : undefined;
  if (only !== undefined) {
    const joint = only.path.startsWith(`${node.path}.`) ? "." : "";
    return branch({ ...only, name: `${node.name}${joint}${only.name}` }, open);
  }
  if (node.below.length === 0) return html`<li><code>${node.name}</code> ${said(node.values)}</li>`;
  const summary = html`<summary><code>${node.name}</code> <span class="soft">${countOf(node)} values</span> ${said(node.values)}</summary>`;
  const below = html`<ul>${node.below.map((one) => branch(one, false))}</ul>`;
  return open
    ? html`<li><details id="from-${node.path}" open>${summary}${below}</details></li>`
    : html`<li><details id="from-${node.path}">${summary}${below}</details></li>`;
};

const said = (values: readonly MirroredView[]): Markup =>
  html`${values.map(({ value, from }) => html`<strong><code>${value}</code></strong> <span class="soft">from ${from}</span> `)}`;

const countOf = ({ values, below }: DerivationNode): number =>
  below.reduce((sum, one) => sum + countOf(one), values.length);
