/** HTML that is safe to print as it is. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Printable = Markup | string | number | undefined | readonly (Markup | string | number | undefined)[];

/** A template whose values are escaped unless they are Markup themselves; lists are joined, undefined is nothing. */
export const html = (fixed: TemplateStringsArray, ...values: readonly Printable[]): Markup =>
  new Markup(fixed.reduce((text, part, i) => text + printed(values[i - 1]) + part));

const printed = (value: Printable): string => {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(printed).join("");
  return String(value).replace(/[&<>"']/g, (character) => ENTITY[character] as string);
};

const ENTITY: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
