import { isMapping } from "../../../model/mapping.ts";
import type { Problem } from "../../../model/problem.ts";
import { embeddedYaml } from "../../../schema/embedded-yaml.ts";
import { Word } from "../pod/word.ts";
import type { Files, Launch } from "../servers/server-program.ts";
import { VLLM } from "./vllm-flags.ts";

interface WholeLaunch extends Launch {
  readonly problems: readonly Problem[];
}

/**
 * The words of a launch with what the YAML file of `--config` says put before them, so that what the command says itself comes
 * later and wins; a model that is named before all flags stays. All that a file says is told at the argument that names it.
 *
 * As vLLM, it takes the file only where its name is a word of its own, and asks for `.yaml` or `.yml`. Source:
 * FlexibleArgumentParser._pull_args_from_config and load_config_file, vllm/utils/argparse_utils.py, vLLM of mid-2026.
 *
 * @param object `Kind/namespace/name`, that the words are of
 * @returns the launch, and what is wrong with the file
 */
export const withConfigFile = (launch: Launch, files: Files, object: string): WholeLaunch => {
  const { words } = launch;
  const at = words.findIndex(({ text }) => text === "--config");
  const name = at < 0 ? undefined : words[at + 1];
  if (name === undefined) return { ...launch, problems: [] };
  const others = [...words.slice(0, at), ...words.slice(at + 2)];
  const tell = (severity: Problem["severity"], message: string, fix: string): WholeLaunch => ({
    ...launch,
    words: others,
    problems: [{ severity, reason: "ConfigFile", object, field: name.field, message, fix }],
  });
  if (!/\.ya?ml$/.test(name.text)) {
    return tell("error", `--config ${name.text}: vLLM takes no file that isn't called .yaml or .yml`, "rename it");
  }
  const found =
    name.unresolved.length > 0 ? { unknown: `nothing tells ${name.unresolved.join(", ")}` } : files(name.text);
  if ("unknown" in found) {
    const message = `--config ${name.text} is not read: ${found.unknown}; what it says is simulated as at its defaults`;
    return tell("warning", message, "mount it from a ConfigMap that is there, or give what it says as flags");
  }
  const read = settingsIn(found.text);
  if (typeof read === "string")
    return tell("error", `--config ${name.text}: ${read}`, "write one flag a line, as in max-num-seqs: 256");
  const model = words[0]?.text.startsWith("-") === false ? 1 : 0;
  const said = Object.entries(read).filter(([key]) => model === 0 || key !== "model");
  const before = said.flatMap(([key, value]) => wordsOf(key, value).map((text) => Word.of(text, name.field)));
  return { ...launch, words: [...others.slice(0, model), ...before, ...others.slice(model)], problems: [] };
};

/** @returns what is wrong with it, where something is */
const settingsIn = (text: string): Readonly<Record<string, unknown>> | string => {
  const read = embeddedYaml(text);
  if ("wrong" in read) return read.wrong;
  return isMapping(read.raw) ? read.raw : "its YAML is no list of names and values";
};

const wordsOf = (key: string, value: unknown): readonly string[] => {
  if (value === true) return [`--${key}`];
  // Only of what is a switch is there a twin that says no.
  if (value === false) return VLLM.named(key.replaceAll("_", "-"))?.takes === "switch" ? [`--no-${key}`] : [];
  if (Array.isArray(value)) return value.length === 0 ? [] : [`--${key}`, ...value.map(String)];
  if (typeof value === "object" && value !== null) return [`--${key}`, JSON.stringify(value)];
  return [`--${key}`, value === null ? "None" : String(value)];
};
