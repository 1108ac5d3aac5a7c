import { fieldLines } from "../../store/field-lines.ts";
import type { StoredObject } from "../../store/store.ts";
import type { Answer } from "../format.ts";
import { nameOf } from "./objects.ts";

/** Says where objects and their fields stand in the files that they were read from. */
export const locator = (objects: readonly StoredObject[], texts: ReadonlyMap<string, string>): Answer["locate"] => {
  const places = new Map(objects.map((one) => [nameOf(one.object), one]));
  const lines = new Map<string, ReturnType<typeof fieldLines>>();
  return (object, field) => {
    const { file, line } = places.get(object) ?? {};
    const text = file === undefined ? undefined : texts.get(file);
    if (file === undefined || line === undefined || text === undefined) return undefined;
    if (field === undefined) return { file, line };
    const at = lines.get(file) ?? fieldLines(text);
    lines.set(file, at);
    return { file, line: at(line, field) };
  };
};
