import { dump } from "js-yaml";
import type { Format } from "../format.ts";
import { documentOfAnswer } from "./answer-document.ts";
import { documentOf } from "./document.ts";
import { documentOfSweeps } from "./sweep-document.ts";

const text = (document: unknown): string => dump(document, { noRefs: true, lineWidth: 120 });

export const yaml: Format = {
  name: "yaml",
  summary: "everything, for people with tools",
  print: (outcomes) => text(documentOf(outcomes)),
  compare: (answer) => text(documentOfAnswer(answer)),
  sweep: (found) => text(documentOfSweeps(found)),
};
