import { writeFileSync } from "node:fs";
import { documents, withOutputs } from "./outputs.ts";

/** `npm run gen`: puts what the program prints now into the docs. */
for (const document of documents()) {
  const { before, after } = await withOutputs(document);
  if (before === after) continue;
  writeFileSync(new URL(`../../${document}`, import.meta.url), after);
  console.log(`wrote outputs in ${document}`);
}
