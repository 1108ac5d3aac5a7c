import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HEAD, headOf, verdictOn } from "./problems.ts";

/** Writes into each case what is said of it now: `npx tsx test/corpus/write-heads.ts`, then read the difference line by line. */
const folder = fileURLToPath(new URL("cases", import.meta.url));
for (const name of readdirSync(folder)) {
  const file = `${folder}/${name}`;
  // Lines are counted with the head in place; writing it twice lets them settle.
  for (let i = 0; i < 2; i += 1) {
    const body = readFileSync(file, "utf8").replace(HEAD, "");
    writeFileSync(file, headOf(await verdictOn(file, folder)) + body);
  }
}
