import { Field } from "../../../src/twin/field.ts";
import type { ServerArguments } from "../../../src/twin/readers/flags/server-arguments.ts";
import { Environment } from "../../../src/twin/readers/pod/environment.ts";
import { launchOf } from "../../../src/twin/readers/pod/launch.ts";

export interface Container {
  readonly image?: string;
  readonly command?: readonly unknown[];
  readonly args?: readonly unknown[];
  readonly env?: readonly object[];
  readonly envFrom?: readonly object[];
}

/** What is read of one container of `Deployment/ns/app`; its fields begin with `c`. undefined: it does not run vLLM. */
export const argumentsOf = (container: Container): ServerArguments | undefined => {
  const field = Field.root(
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "app", namespace: "ns" }, c: container },
    [],
  ).at("c");
  const found = launchOf(field, Environment.of(field));
  return found?.program.read(found.launch, "Deployment/ns/app", { spansPods: false });
};

/** The value of a flag, whatever its type, and the field it is from. */
export const valueOf = (
  said: ServerArguments | undefined,
  flag: string,
): { value: unknown; field: string } | undefined => {
  const found = said?.number(flag) ?? said?.text(flag) ?? said?.switch(flag) ?? said?.firstText(flag);
  return found?.from.kind === "field" ? { value: found.value, field: found.from.field } : undefined;
};
