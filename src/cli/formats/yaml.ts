import { dump } from "js-yaml";
import type { Format } from "../format.ts";
import { documentOf } from "./document.ts";

export const yaml: Format = {
  name: "yaml",
  summary: "everything, for people with tools",
  print: (outcomes) => dump(documentOf(outcomes), { noRefs: true, lineWidth: 120 }),
};
