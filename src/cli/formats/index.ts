import type { Format } from "../format.ts";
import { json } from "./json.ts";
import { table } from "./table.ts";
import { yaml } from "./yaml.ts";

export const formats: readonly Format[] = [table, json, yaml];
