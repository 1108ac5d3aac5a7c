/** A formula's tree; `at` is an offset in its text. */
export type Node =
  | { readonly kind: "int"; readonly value: bigint; readonly at: number }
  | { readonly kind: "float"; readonly value: number; readonly at: number }
  | { readonly kind: "bool"; readonly value: boolean; readonly at: number }
  | { readonly kind: "nil"; readonly at: number }
  | { readonly kind: "name"; readonly name: string; readonly at: number }
  /** `#`, the element a predicate looks at, or `#index` and `#acc`. */
  | { readonly kind: "pointer"; readonly name: string; readonly at: number }
  | { readonly kind: "list"; readonly items: readonly Node[]; readonly at: number }
  | { readonly kind: "unary"; readonly operator: "-" | "+" | "not"; readonly operand: Node; readonly at: number }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Node;
      readonly right: Node;
      readonly at: number;
    }
  | {
      readonly kind: "conditional";
      readonly condition: Node;
      readonly yes: Node;
      readonly no: Node;
      readonly at: number;
    }
  | { readonly kind: "let"; readonly name: string; readonly value: Node; readonly body: Node; readonly at: number }
  /** Values of all but the last are dropped. */
  | { readonly kind: "sequence"; readonly nodes: readonly Node[]; readonly at: number }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[]; readonly at: number }
  | { readonly kind: "index"; readonly of: Node; readonly index: Node; readonly optional: boolean; readonly at: number }
  | {
      readonly kind: "slice";
      readonly of: Node;
      readonly from: Node | undefined;
      readonly to: Node | undefined;
      readonly at: number;
    };
