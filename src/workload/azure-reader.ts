import { type Columns, columnsOf, wholeOf } from "./csv.ts";
import { timestampOf } from "./timestamp.ts";
import { type Broken, broken, isTokenCount, notTokenCount, type RowReader, shown } from "./trace-row.ts";

const COLUMNS = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"] as const;
const IMAGES = "NumImages";
const IMAGES_MAX = 10_000;

/** How one release of the Azure traces writes its stamps; all else is the same. */
export interface AzureStamps {
  readonly zoned: boolean;
  readonly example: string;
  /** Whose stamps these are if it is the other way round. */
  readonly otherwise: string;
}

/** Of the multimodal release: tokens that an image becomes, which the trace doesn't tell. */
export interface AzureImages {
  readonly imageTokens: number;
}

/** Reads `TIMESTAMP,ContextTokens,GeneratedTokens` (github.com/Azure/AzurePublicDataset), by column name. */
export const azureReader = (stamps: AzureStamps | undefined, images?: AzureImages): RowReader => {
  let columns: Columns = { at: [0, 1, 2], count: 3 };
  const wanted = images === undefined ? COLUMNS : ([...COLUMNS, IMAGES] as const);
  const stampProblem = (text: string, zoned: boolean | undefined): Broken => {
    if (stamps === undefined) return broken(`TIMESTAMP is ${shown(text)}; it must be like 2024-10-15 00:00:00.123456`);
    const hint = zoned === !stamps.zoned ? `; this is how ${stamps.otherwise} has it` : "";
    return broken(`TIMESTAMP is ${shown(text)}; it must be like ${stamps.example}${hint}`);
  };
  return {
    header(line) {
      const found = columnsOf(line, wanted);
      if (typeof found === "string") return found;
      columns = found;
      return undefined;
    },
    row(line) {
      const fields = line.split(",");
      if (fields.length !== columns.count)
        return broken(`it has ${fields.length} fields; it must have ${columns.count}`);
      const [stampText, contextText, generatedText, imagesText = "0"] = columns.at.map(
        (at) => fields[at as number],
      ) as [string, string, string, string?];
      const stamp = timestampOf(stampText);
      if (stamp === undefined || (stamps !== undefined && stamp.zoned !== stamps.zoned))
        return stampProblem(stampText, stamp?.zoned);
      const promptTokens = wholeOf(contextText);
      if (!isTokenCount(promptTokens)) return notTokenCount("ContextTokens", contextText);
      const outputTokens = wholeOf(generatedText);
      if (!isTokenCount(outputTokens)) return notTokenCount("GeneratedTokens", generatedText);
      const count = wholeOf(imagesText);
      if (!(count <= IMAGES_MAX))
        return broken(`${IMAGES} is ${shown(imagesText)}; it must be a whole number up to ${IMAGES_MAX}`);
      const row = { kind: "request", at: stamp.micros, promptTokens, outputTokens } as const;
      if (images === undefined || count === 0) return row;
      const { imageTokens } = images;
      const encoderItems = Array.from({ length: count }, (_, i) => ({ offset: i * imageTokens, tokens: imageTokens }));
      return { ...row, promptTokens: promptTokens + count * imageTokens, encoderItems };
    },
  };
};
