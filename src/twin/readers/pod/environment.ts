import type { Field } from "../../field.ts";
import { MOST_WORD_CHARACTERS } from "./exec-bounds.ts";
import { type Part, Word } from "./word.ts";

/** A variable of a container: its value and field, or why the value can't be known. */
export type Variable =
  | { readonly known: true; readonly word: Word }
  | { readonly known: false; readonly why: string; readonly field: string };

/** Values of ConfigMaps, as far as they are known. @returns undefined where there is no such ConfigMap, or no such key */
export type ConfigMapValues = (name: string, key: string) => string | undefined;

/** Where ConfigMaps of the pods' namespace are looked up. */
export interface ConfigMapLookUp {
  readonly value: ConfigMapValues;
  /** Keys of one that are known. */
  keys(name: string): readonly string[];
}

/** What `env` and `envFrom` of a container say. What Secrets and the image bring is not known here. */
export class Environment {
  readonly #variables: ReadonlyMap<string, Variable>;

  private constructor(variables: ReadonlyMap<string, Variable>) {
    this.#variables = variables;
  }

  /**
   * Reads `envFrom`, and over it `env`, in order: a value may use `$(NAME)` of those before it. The last of equal names wins, as
   * in the kubelet.
   *
   * @param given what the workload's controller puts before them
   */
  static of(container: Field, given: Readonly<Record<string, string>> = {}, maps: ConfigMapLookUp = NONE): Environment {
    const home = container.at("env").path;
    const variables = new Map<string, Variable>(
      Object.entries(given).map(([name, value]) => [name, { known: true, word: Word.of(value, home) }]),
    );
    for (const from of container.at("envFrom").items()) {
      const map = from.at("configMapRef", "name");
      const prefix = from.at("prefix").text()?.value ?? "";
      const name = typeof map.raw === "string" ? map.raw : undefined;
      for (const key of name === undefined ? [] : maps.keys(name)) {
        const word = Word.of(maps.value(name as string, key) ?? "", from.at("configMapRef").path);
        variables.set(`${prefix}${key}`, { known: true, word });
      }
    }
    for (const entry of container.at("env").items()) {
      const name = entry.at("name").text()?.value;
      if (name === undefined) continue;
      const value = entry.at("value");
      const source = Object.keys((entry.at("valueFrom").raw as object | undefined) ?? {})[0];
      const ref = entry.at("valueFrom", "configMapKeyRef");
      const found = ref.present ? maps.value(String(ref.at("name").raw), String(ref.at("key").raw)) : undefined;
      if (found !== undefined) {
        variables.set(name, { known: true, word: Word.of(found, ref.path) });
        continue;
      }
      // What names a field of the pod's that its controller sets too has the controller's value, as LWS_WORKER_INDEX by its label.
      if (source === "fieldRef" && Object.hasOwn(given, name)) continue;
      if (source !== undefined) {
        variables.set(name, { known: false, why: `its value comes from a ${source}`, field: entry.path });
        continue;
      }
      const word = Word.of(value.text()?.value ?? "", value.path);
      variables.set(name, { known: true, word: expandReferences(word, (other) => variables.get(other)) });
    }
    return new Environment(variables);
  }

  get(name: string): Variable | undefined {
    return this.#variables.get(name);
  }

  /** Those whose names begin so and whose values are known. */
  named(prefix: string): readonly (readonly [string, Word])[] {
    return [...this.#variables].flatMap(([name, variable]) =>
      name.startsWith(prefix) && variable.known ? [[name, variable.word] as const] : [],
    );
  }

  /** Replaces `$(NAME)` as the kubelet does in command and args. */
  expand(word: Word): Word {
    return expandReferences(word, (name) => this.#variables.get(name));
  }
}

const NONE: ConfigMapLookUp = { value: () => undefined, keys: () => [] };

const REFERENCE = /\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)/g;

/**
 * `$(NAME)` becomes the variable's value, `$$` a dollar sign; an unknown reference stays as it is, and so does one with which the word
 * would be longer than Linux takes: variables that double each other would fill all memory.
 * Source: Kubernetes 1.34, third_party/forked/golang/expansion.
 */
const expandReferences = (word: Word, lookUp: (name: string) => Variable | undefined): Word => {
  const { text } = word;
  const parts: Part[] = [];
  const unresolved = new Set(word.unresolved);
  let at = 0;
  let grown = text.length;
  const copy = (from: number, to: number): void => {
    if (to > from) parts.push({ text: text.slice(from, to), field: word.fieldAt(from) });
  };
  for (const match of text.matchAll(REFERENCE)) {
    copy(at, match.index);
    at = match.index + match[0].length;
    const variable = match[1] === undefined ? undefined : lookUp(match[1]);
    if (match[1] === undefined) parts.push({ text: "$", field: word.fieldAt(match.index) });
    else if (variable?.known && grown + variable.word.length <= MOST_WORD_CHARACTERS) {
      grown += variable.word.length;
      parts.push(...variable.word.parts);
      for (const name of variable.word.unresolved) unresolved.add(name);
    } else {
      copy(match.index, at);
      unresolved.add(match[1]);
    }
  }
  copy(at, text.length);
  return new Word(word.home, parts, [...unresolved]);
};
