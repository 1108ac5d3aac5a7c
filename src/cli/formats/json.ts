import type { Format } from "../format.ts";
import { documentOfAnswer } from "./answer-document.ts";
import { documentOf } from "./document.ts";
import { documentOfSweeps } from "./sweep-document.ts";

const text = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`;

export const json: Format = {
  name: "json",
  summary: "everything, for machines",
  print: (outcomes) => text(documentOf(outcomes)),
  compare: (answer) => text(documentOfAnswer(answer)),
  sweep: (found) => text(documentOfSweeps(found)),
};
