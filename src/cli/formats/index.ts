import type { Format } from "../format.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import { sarif } from "./sarif.ts";
import { table } from "./table.ts";
import { yaml } from "./yaml.ts";

export const formats: readonly Format[] = [table, json, yaml, markdown, html, junit, sarif];
