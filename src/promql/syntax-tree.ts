import type { parser } from "@prometheus-io/lezer-promql";
import type { Place } from "./ast.ts";
import type { Features } from "./features.ts";

/** A node of the grammar's tree. */
export type Node = ReturnType<typeof parser.parse>["topNode"];

/** A query while it is read. */
export interface Source {
  /** As it was written. */
  readonly original: string;
  /** As the grammar reads it; all at the same places. */
  readonly query: string;
  readonly features: Features;
  depth: number;
}

export const textOf = ({ query }: Source, node: Place): string => query.slice(node.from, node.to);

/** Without comments, which the grammar may leave anywhere. */
export const children = (node: Node): readonly Node[] => {
  const found: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== "LineComment") found.push(child);
  }
  return found;
};

export const childOf = (node: Node, name: string): Node | undefined =>
  children(node).find((child) => child.name === name);
