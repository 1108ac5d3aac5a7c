import type { Source } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { PLUGIN_TYPES, type PluginKind } from "./plugin-types.ts";

/** One plugin of an EndpointPickerConfig. */
export interface PluginReading {
  readonly name: string;
  readonly type: string;
  readonly from: Source;
  /** What `parameters` says; one that the endpoint picker adds by itself says nothing. */
  readonly parameters: Field;
}

export const isA = ({ type }: Pick<PluginReading, "type">, kind: PluginKind): boolean =>
  PLUGIN_TYPES[type]?.kinds.includes(kind) ?? false;

/** A plugin that the endpoint picker makes where the configuration has none. */
export const injected = (type: string, why: string, root: Field, problems: Problem[]): PluginReading => ({
  name: type,
  type,
  from: { kind: "default", why },
  parameters: Field.inside(root, undefined, problems),
});
