import type { ServerKind } from "../../../engine/server-defaults.ts";
import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Value } from "./flag.ts";

/** What the flags of one server say, under the names of vLLM's flags, each with the field that says it. */
export class ServerArguments {
  readonly server: ServerKind;
  readonly problems: readonly Problem[];
  readonly #values: ReadonlyMap<string, Known<Value>>;

  constructor(server: ServerKind, values: ReadonlyMap<string, Known<Value>>, problems: readonly Problem[]) {
    this.server = server;
    this.problems = problems;
    this.#values = values;
  }

  number(name: string): Known<number> | undefined {
    return this.#of<number>(name, "number");
  }

  switch(name: string): Known<boolean> | undefined {
    return this.#of<boolean>(name, "boolean");
  }

  text(name: string): Known<string> | undefined {
    return this.#of<string>(name, "string");
  }

  /** The first of several, as `--served-model-name` counts. */
  firstText(name: string): Known<string> | undefined {
    const found = this.#values.get(name);
    return found !== undefined && Array.isArray(found.value) ? known(found.value[0] as string, found.from) : undefined;
  }

  /** An object, or what its fields say one by one. */
  json(name: string): Known<Readonly<Record<string, unknown>>> | undefined {
    const said = this.text(name);
    return said === undefined ? undefined : known(JSON.parse(said.value) as Record<string, unknown>, said.from);
  }

  #of<T extends Value>(name: string, type: string): Known<T> | undefined {
    const found = this.#values.get(name);
    return typeof found?.value === type ? (found as Known<T>) : undefined;
  }
}
