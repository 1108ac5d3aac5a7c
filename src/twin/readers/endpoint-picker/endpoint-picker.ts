import { type Known, known } from "../../../model/known.ts";
import { bad, good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type EndpointPickerReading, type PickerConfigPlace, pickerReader } from "../../reader.ts";
import { containerWords } from "../pod/container-words.ts";
import { mountedKey } from "../pod/mounted-key.ts";
import type { Word } from "../pod/word.ts";
import { goDurationSeconds } from "./go-duration.ts";

/**
 * Reads the Deployment of an endpoint picker: its flags, and where its configuration is. Flags as pflag takes them, and with
 * one dash as Go's flag package did before. Sources: llm-d-router, August 2026, pkg/epp/server/options.go.
 */
export const endpointPicker = pickerReader({
  kind: "Deployment",
  group: "apps",
  summary: "a Deployment that runs llm-d's endpoint picker",
  read: (manifest) => readPicker(manifest),
});

const LEAST_REFRESH_SECONDS = 0.05;
const STALENESS_SECONDS = 2;

/** Flags that tell an endpoint picker from another container; it can't start without one of the first two. */
const TELLING = ["pool-name", "endpoint-selector", "config-file", "config-text"];

/** Flags that need no value: what follows them is the next flag. */
const SWITCHES = new Set([
  "allow-experimental-plugins",
  "disable-endpoint-subset-filter",
  "emit-endpoint-scores",
  "enable-cert-reload",
  "enable-grpc-stream-metrics",
  "enable-pprof",
  "ha-enable-leader-election",
  "health-checking",
  "metrics-endpoint-auth",
  "secure-serving",
  "tracing",
  "zap-devel",
]);

/** Whether the pod's containers look like one: cheaper than to read it, and silent. */
export const runsEndpointPicker = (manifest: Manifest): boolean =>
  pickersIn(Field.root(manifest, []).at("spec", "template", "spec")).length > 0;

const readPicker = (manifest: Manifest): Result<EndpointPickerReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const pod = spec.at("template", "spec");
  const [picker] = pickersIn(pod);
  if (picker === undefined) {
    const place = pod.at("containers").place;
    const message = `no container runs an endpoint picker: looked for ${TELLING.map((flag) => `--${flag}`).join(", ")} in command and args`;
    return bad(...problems, { severity: "error", reason: "NotAnEndpointPicker", ...place, message });
  }
  const flags = new Flags(picker.words, pod.object, problems);
  const replicas = spec.at("replicas").whole() ?? known(1, { kind: "default", why: "Kubernetes: replicas is 1" });
  const elects = flags.truth("ha-enable-leader-election");
  const reading: EndpointPickerReading = {
    ref: refOf(manifest),
    replicas,
    active: elects?.value === true ? known(Math.min(1, replicas.value), elects.from) : replicas,
    pool: flags.text("pool-name"),
    refreshSeconds: refreshOf(flags, problems),
    stalenessSeconds:
      flags.seconds("metrics-staleness-threshold") ??
      known(STALENESS_SECONDS, { kind: "default", why: "llm-d endpoint picker: --metrics-staleness-threshold is 2 s" }),
    experimental:
      flags.truth("allow-experimental-plugins") ??
      known(false, { kind: "default", why: "llm-d endpoint picker: --allow-experimental-plugins is false" }),
    config: configOf(flags, pod, picker.container, problems),
  };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};

interface Found {
  readonly container: Field;
  readonly words: readonly Word[];
}

const pickersIn = (pod: Field): readonly Found[] =>
  pod
    .at("containers")
    .items()
    .map((container) => ({ container, words: containerWords(container) }))
    .filter(({ words }) => words.some((word) => TELLING.includes(nameOf(word.text) ?? "")));

/** `pool-name` of `--pool-name=a`, `--pool-name` and `-pool-name`. */
const nameOf = (text: string): string | undefined => /^--?([A-Za-z][\w-]*)/.exec(text)?.[1];

/** What the flags say; of one that is given twice, the last. */
class Flags {
  readonly #values = new Map<string, Known<string>>();
  readonly #object: string;
  readonly #problems: Problem[];

  constructor(words: readonly Word[], object: string, problems: Problem[]) {
    this.#object = object;
    this.#problems = problems;
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] as Word;
      const name = nameOf(word.text);
      if (name === undefined) continue;
      const equals = word.text.indexOf("=");
      const next = words[at + 1];
      if (equals >= 0) this.#take(name, word.from(equals + 1));
      else if (SWITCHES.has(name) || next === undefined) this.#values.set(name, known("true", this.#from(word.field)));
      else if (!next.text.startsWith("-") || next.text.length === 1) {
        this.#take(name, next);
        at += 1;
      }
    }
  }

  text(name: string): Known<string> | undefined {
    const said = this.#values.get(name);
    return said?.value === "" ? undefined : said;
  }

  truth(name: string): Known<boolean> | undefined {
    const said = this.#values.get(name);
    if (said === undefined) return undefined;
    if (/^(1|t|T|true|TRUE|True)$/.test(said.value)) return known(true, said.from);
    if (/^(0|f|F|false|FALSE|False)$/.test(said.value)) return known(false, said.from);
    return this.#wrong(said, `--${name} must be true or false, got "${said.value}"`);
  }

  seconds(name: string): Known<number> | undefined {
    const said = this.#values.get(name);
    if (said === undefined) return undefined;
    const seconds = goDurationSeconds(said.value);
    if (seconds !== undefined && seconds >= 0) return known(seconds, said.from);
    return this.#wrong(said, `--${name} must be a duration such as 50ms or 2s, got "${said.value}"`);
  }

  #take(name: string, word: Word): void {
    if (word.unresolved.length === 0) {
      this.#values.set(name, known(word.text, this.#from(word.field)));
      return;
    }
    // The namespace comes from the pod itself, as the chart has it; all else is worth a word.
    if (name === "pool-namespace") return;
    const message = `--${name} uses ${word.unresolved.join(", ")}, whose value is not known here; its default is taken`;
    this.#problems.push({
      severity: "warning",
      reason: "UnknownValue",
      object: this.#object,
      field: word.field,
      message,
    });
  }

  #from(field: string) {
    return { kind: "field" as const, object: this.#object, field };
  }

  #wrong({ from }: Known<string>, message: string): undefined {
    const field = from.kind === "field" ? from.field : "";
    this.#problems.push({ severity: "error", reason: "BadFlag", object: this.#object, field, message });
  }
}

/** What is below 50 ms is raised to it, as the picker does itself. */
const refreshOf = (flags: Flags, problems: Problem[]): Known<number> => {
  const said = flags.seconds("refresh-metrics-interval");
  if (said === undefined) {
    const why = "llm-d endpoint picker: --refresh-metrics-interval is 50 ms";
    return known(LEAST_REFRESH_SECONDS, { kind: "default", why });
  }
  if (said.value >= LEAST_REFRESH_SECONDS) return said;
  const place = said.from.kind === "field" ? { object: said.from.object, field: said.from.field } : {};
  const message = "--refresh-metrics-interval is below 50ms; the endpoint picker raises it to that";
  problems.push({ severity: "warning", reason: "Clamped", ...place, message });
  return known(LEAST_REFRESH_SECONDS, said.from);
};

const configOf = (flags: Flags, pod: Field, container: Field, problems: Problem[]): PickerConfigPlace => {
  const [text, file] = [flags.text("config-text"), flags.text("config-file")];
  if (text !== undefined && file !== undefined) {
    const field = text.from.kind === "field" ? text.from.field : "";
    const message = "--config-text and --config-file are both set; the endpoint picker doesn't start";
    problems.push({ severity: "error", reason: "BadFlag", object: pod.object, field, message, fix: "drop one" });
  }
  if (text !== undefined) return { kind: "text", text };
  if (file === undefined) return { kind: "none" };
  const key = mountedKey(file.value, pod, container);
  return key === undefined
    ? { kind: "unknown", path: file.value, flag: file.from }
    : { kind: "config-map", ...key, flag: file.from };
};
