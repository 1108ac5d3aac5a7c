import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Value } from "./flag.ts";
import type { FlagParser } from "./flag-parser.ts";

/** What one server's flags become under the names of vLLM's, whose engine is simulated. */
export class Translation {
  readonly values = new Map<string, Known<Value>>();
  readonly problems: Problem[];
  readonly #parser: FlagParser;
  readonly #object: string;

  constructor(parser: FlagParser, object: string) {
    this.#parser = parser;
    this.#object = object;
    this.problems = [...parser.problems];
  }

  said(name: string): Known<Value> | undefined {
    return this.#parser.values.get(name);
  }

  number(name: string): Known<number> | undefined {
    const found = this.said(name);
    return typeof found?.value === "number" ? (found as Known<number>) : undefined;
  }

  isOn(name: string): boolean {
    return this.said(name)?.value === true;
  }

  /** Takes flags over as they are, by the names they have at vLLM. */
  rename(names: Readonly<Record<string, string>>): void {
    for (const [own, vllm] of Object.entries(names)) this.put(vllm, this.said(own));
  }

  /** Switches that turn the other way at vLLM: `disable-radix-cache` is `--no-enable-prefix-caching`. */
  invert(names: Readonly<Record<string, string>>): void {
    for (const [own, vllm] of Object.entries(names)) {
      const found = this.said(own);
      if (typeof found?.value === "boolean") this.put(vllm, known(!found.value, found.from));
    }
  }

  put(name: string, value: Known<Value> | undefined): void {
    if (value !== undefined) this.values.set(name, value);
  }

  warn(message: string, at?: Known<unknown>): void {
    const field = at?.from.kind === "field" ? { field: at.from.field } : {};
    this.problems.push({ severity: "warning", reason: "NotModelled", object: this.#object, ...field, message });
  }
}
