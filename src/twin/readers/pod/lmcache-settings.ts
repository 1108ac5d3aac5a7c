import { type Known, known } from "../../../model/known.ts";
import { isMapping } from "../../../model/mapping.ts";
import { embeddedYaml } from "../../../schema/embedded-yaml.ts";
import type { Files } from "../servers/server-program.ts";
import type { Environment } from "./environment.ts";

/** How a container sets LMCache. */
export interface LmcacheSettings {
  /** By LMCache's own names, such as `chunk_size`, as far as they are known; what its file says is told at the variable that names it. */
  readonly said: Readonly<Record<string, Known<string>>>;
  /** Why nothing is known of the file; left out: it is read, or none is named. */
  readonly unread?: Known<string>;
  /** What keeps LMCache from reading it. */
  readonly broken?: Known<string>;
}

const PREFIX = "LMCACHE_";
export const LMCACHE_FILE = "LMCACHE_CONFIG_FILE";

/**
 * What LMCache is told: the YAML file of LMCACHE_CONFIG_FILE, and over it the variables `LMCACHE_*`.
 * Source: load_config_with_overrides, lmcache/v1/config_base.py, LMCache's main of 2026. Its documentation once said that
 * variables are not heeded beside a file.
 *
 * @param object `Kind/namespace/name`, that the variables are of
 */
export const readLmcacheSettings = (environment: Environment, files: Files, object: string): LmcacheSettings => {
  const variables = environment.named(PREFIX).map(([name, { text, field }]) => {
    const value: Known<string> = known(text, { kind: "field", object, field });
    return [name.slice(PREFIX.length).toLowerCase(), value] as const;
  });
  const said = Object.fromEntries(variables);
  const variable = environment.get(LMCACHE_FILE);
  if (variable === undefined) return { said };
  const { field } = variable.known ? variable.word : variable;
  const told = (value: string): Known<string> => known(value, { kind: "field", object, field });
  if (!variable.known) return { said, unread: told(variable.why) };
  const path = variable.word.text;
  const found = files(path);
  if ("unknown" in found) return { said, unread: told(`${path}: ${found.unknown}`) };
  const read = embeddedYaml(found.text);
  if ("wrong" in read) return { said, broken: told(`${path}: ${read.wrong}`) };
  // An empty file is one of defaults.
  const { raw = {} } = read;
  if (!isMapping(raw)) return { said, broken: told(`${path}: its YAML is no list of names and values`) };
  const written = Object.entries(raw).flatMap(([name, value]) =>
    value === null ? [] : [[name, told(typeof value === "object" ? JSON.stringify(value) : String(value))] as const],
  );
  return { said: { ...Object.fromEntries(written), ...said } };
};
