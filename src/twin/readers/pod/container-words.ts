import type { Field } from "../../field.ts";
import { Environment } from "./environment.ts";
import { Word } from "./word.ts";

/** The words of a container's command and arguments, with the values of its environment. */
export const containerWords = (container: Field): readonly Word[] => {
  const environment = Environment.of(container);
  return ["command", "args"].flatMap((key) =>
    container
      .at(key)
      .items()
      .map((item) => environment.expand(Word.of(item.text()?.value ?? String(item.raw), item.path))),
  );
};
