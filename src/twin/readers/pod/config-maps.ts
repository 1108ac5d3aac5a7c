import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import type { ConfigMapLookUp } from "./environment.ts";
import { LMCACHE_FILE } from "./lmcache-settings.ts";
import { mountedKey } from "./mounted-key.ts";

/** A key of a ConfigMap that the command of a server may use, or a controller. */
export interface ConfigMapKey {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  /** Doing without it is no error. */
  readonly optional?: true;
}

/** ConfigMaps of a namespace, as far as they are among the objects. */
export const configMapsIn = (cluster: Pick<ObservedCluster, "get">, namespace: string): ConfigMapLookUp => {
  const dataOf = (name: string): Readonly<Record<string, string>> => {
    const map = cluster.get("ConfigMap", namespace, name);
    return map === undefined ? {} : Field.root(map, []).at("data").texts();
  };
  return {
    keys: (name) => Object.keys(dataOf(name)),
    value: (name, key) => (Object.hasOwn(dataOf(name), key) ? dataOf(name)[key] : undefined),
  };
};

const NAME = /\$[({]?([A-Za-z_][A-Za-z0-9_]*)/g;

/** What is read from the environment beside what the command names. */
const ALWAYS = ["HF_HOME", "HF_HUB_CACHE", "HOME", "VLLM_CACHE_ROOT", "VLLM_USE_V1"];

const CONFIG_FILE = /(?:^|\s)--config\s+["']?([^\s"';&|]+)/g;

/** Files that `--config` names in a command, be it a list of words or a script. */
const configFilesIn = (texts: readonly string[]): readonly string[] =>
  [...texts.join(" ").matchAll(CONFIG_FILE)].map(([, path]) => path as string);

/**
 * Keys that the containers of a pod take from: variables of `env`, of `envFrom` the ones that anything names, and files that
 * `--config` or LMCACHE_CONFIG_FILE names.
 */
export const configMapKeysOf = (template: Field, { metadata }: Pick<Manifest, "metadata">): readonly ConfigMapKey[] => {
  const { namespace } = refOf({ apiVersion: "", kind: "", metadata });
  return template
    .at("spec", "containers")
    .items()
    .flatMap((container) => {
      const env = container.at("env").items();
      const direct = env.flatMap((entry) => {
        const ref = entry.at("valueFrom", "configMapKeyRef");
        return ref.present ? [{ namespace, name: String(ref.at("name").raw), key: String(ref.at("key").raw) }] : [];
      });
      const texts = [
        ...container.at("command").items(),
        ...container.at("args").items(),
        ...env.map((one) => one.at("value")),
      ];
      const named = texts.flatMap(({ raw }) => [...String(raw).matchAll(NAME)].map(([, name]) => name as string));
      const whole = container
        .at("envFrom")
        .items()
        .filter((from) => from.at("configMapRef", "name").present)
        .flatMap((from) => {
          const prefix = String(from.at("prefix").raw ?? "");
          return [...new Set([...named, ...ALWAYS])]
            .filter((one) => one.startsWith(prefix))
            .map((one) => ({
              namespace,
              name: String(from.at("configMapRef", "name").raw),
              key: one.slice(prefix.length),
            }));
        });
      const lmcache = env.flatMap((one) => (one.at("name").raw === LMCACHE_FILE ? [String(one.at("value").raw)] : []));
      const files = [...configFilesIn(texts.map(({ raw }) => String(raw))), ...lmcache].flatMap((path) => {
        const found = mountedKey(path, template.at("spec"), container);
        return found === undefined ? [] : [{ namespace, ...found }];
      });
      return [...direct, ...whole, ...files];
    });
};
