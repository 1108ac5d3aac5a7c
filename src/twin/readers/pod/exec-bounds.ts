import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";

/**
 * What Linux hands to a program that starts: 32 pages per argument or variable, and for all of them a quarter of the stack, which is
 * 8 MiB (execve(2)). A container with more never starts, so that nothing here has to be read that is larger.
 */
export const MOST_WORD_CHARACTERS = 128 * 2 ** 10;
const MOST_CHARACTERS = 2 * 2 ** 20;

/** @returns the first argument or variable of each container of a pod with which Linux would not start it */
export const execProblems = (pod: Field): readonly Problem[] =>
  pod
    .at("containers")
    .items()
    .flatMap((container) => {
      let all = 0;
      for (const { raw, path } of wordsOf(container)) {
        const { length } = String(raw);
        all += length;
        if (length > MOST_WORD_CHARACTERS)
          return [tooLong(pod.object, path, `has ${length} characters, more than 128 KiB`)];
        if (all > MOST_CHARACTERS) return [tooLong(pod.object, path, "and what stands before it have more than 2 MiB")];
      }
      return [];
    });

interface Said {
  readonly raw: unknown;
  readonly path: string;
}

/** As they are, right or wrong: what is no list or no text is told where it is read. */
const wordsOf = (container: Field): readonly Said[] =>
  ["command", "args", "env"].flatMap((name) => {
    const list = container.at(name);
    if (!Array.isArray(list.raw)) return [];
    return (list.raw as unknown[]).map((item, i): Said => {
      const path = `${list.path}[${i}]`;
      if (name !== "env") return { raw: item, path };
      return { raw: (item as { value?: unknown } | null)?.value ?? "", path: `${path}.value` };
    });
  });

const tooLong = (object: string, field: string, what: string): Problem => ({
  severity: "error",
  reason: "ArgumentsTooLong",
  object,
  field,
  message: `${what}: Linux starts no program with that (execve: argument list too long)`,
  fix: "put it into a file, and mount that",
});
