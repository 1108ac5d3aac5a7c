import { readFileSync } from "node:fs";

export interface Instruction {
  readonly word: string;
  readonly text: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile: as much of its grammar as ours uses (comments, continued lines, one instruction a line). */
export const stagesOf = (path: URL): readonly Stage[] => {
  const lines = readFileSync(path, "utf8")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, word = "", text = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (word === "FROM") {
      const [base = "", , name] = text.split(" ");
      stages.push({ base, name, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ word, text });
    }
  }
  return stages;
};

/** The list of an instruction in exec form, of the last stage. */
export const listOf = (stages: readonly Stage[], word: string): readonly string[] =>
  JSON.parse(stages.at(-1)?.instructions.find((one) => one.word === word)?.text ?? "[]") as string[];
