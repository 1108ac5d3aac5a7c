import type { Format } from "../format.ts";
import { documentOf } from "./document.ts";

export const json: Format = {
  name: "json",
  summary: "everything, for machines",
  print: (outcomes) => `${JSON.stringify(documentOf(outcomes), null, 2)}\n`,
};
