import { writeFileSync } from "node:fs";
import { documents, withOutputs } from "./outputs.ts";

/** `npm run gen`: puts what the program prints now into the docs; with arguments, into those whose path begins with one of them. */
const asked = process.argv.slice(2);
for (const document of documents()) {
  if (asked.length > 0 && !asked.some((path) => document.startsWith(path))) continue;
  const { before, after } = await withOutputs(document);
  if (before === after) continue;
  writeFileSync(new URL(`../../${document}`, import.meta.url), after);
  console.log(`wrote outputs in ${document}`);
}
