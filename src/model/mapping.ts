/** What JSON calls an object and YAML a mapping: values by name. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether a value as JSON or YAML has it is a mapping: no list, no null, no scalar. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value, if it is a mapping; else an empty one. */
export const mappingOf = (value: unknown): Mapping => (isMapping(value) ? value : {});
