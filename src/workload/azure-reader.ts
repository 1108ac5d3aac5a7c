import { type Columns, columnsOf, wholeOf } from "./csv.ts";
import { timestampOf } from "./timestamp.ts";
import { type Broken, broken, isTokenCount, notTokenCount, type RowReader, shown } from "./trace-row.ts";

const COLUMNS = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"] as const;

/** How one release of the Azure traces writes its stamps; all else is the same. */
export interface AzureStamps {
  readonly zoned: boolean;
  readonly example: string;
  /** Whose stamps these are if it is the other way round. */
  readonly otherwise: string;
}

/** Reads `TIMESTAMP,ContextTokens,GeneratedTokens` (github.com/Azure/AzurePublicDataset), by column name. */
export const azureReader = (stamps: AzureStamps): RowReader => {
  let columns: Columns = { at: [0, 1, 2], count: 3 };
  const stampProblem = (text: string, zoned: boolean | undefined): Broken => {
    const hint = zoned === !stamps.zoned ? `; this is how ${stamps.otherwise} has it` : "";
    return broken(`TIMESTAMP is ${shown(text)}; it must be like ${stamps.example}${hint}`);
  };
  return {
    header(line) {
      const found = columnsOf(line, COLUMNS);
      if (typeof found === "string") return found;
      columns = found;
      return undefined;
    },
    row(line) {
      const fields = line.split(",");
      if (fields.length !== columns.count)
        return broken(`it has ${fields.length} fields; it must have ${columns.count}`);
      const [stampText, contextText, generatedText] = columns.at.map((at) => fields[at as number]) as [
        string,
        string,
        string,
      ];
      const stamp = timestampOf(stampText);
      if (stamp?.zoned !== stamps.zoned) return stampProblem(stampText, stamp?.zoned);
      const promptTokens = wholeOf(contextText);
      if (!isTokenCount(promptTokens)) return notTokenCount("ContextTokens", contextText);
      const outputTokens = wholeOf(generatedText);
      if (!isTokenCount(outputTokens)) return notTokenCount("GeneratedTokens", generatedText);
      return { kind: "request", at: stamp.micros, promptTokens, outputTokens };
    },
  };
};
