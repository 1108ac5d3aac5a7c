import { type Columns, columnsOf, wholeOf } from "../csv.ts";
import { broken, isTokenCount, notTokenCount, type RowReader, shown } from "../trace-row.ts";

const REQUIRED = ["Timestamp", "Request tokens", "Response tokens"] as const;
const OPTIONAL = ["Session ID"] as const;

/**
 * BurstGPT (KDD 2025; github.com/HPMLL/BurstGPT), by column name, since releases differ in their columns. `Timestamp` is
 * in seconds from an origin that differs too (0 or 19440110). A row with 0 response tokens is a request that failed
 * there: it is left out, and counted. Sessions keep their id; their requests come when the trace has them (open loop).
 */
export const burstgpt = (): RowReader => {
  let columns: Columns = { at: [], count: 0 };
  return {
    header(line) {
      const found = columnsOf(line, REQUIRED, OPTIONAL);
      if (typeof found === "string") return found;
      columns = found;
      return undefined;
    },
    row(line) {
      const fields = line.split(",");
      if (fields.length !== columns.count)
        return broken(`it has ${fields.length} fields; it must have ${columns.count}`);
      const [secondsText, requestText, responseText, session] = columns.at.map(
        (at) => fields[at ?? -1] ?? "",
      ) as Fields;
      const at = secondsMicros(secondsText);
      if (at === undefined)
        return broken(`Timestamp is ${shown(secondsText)}; it must be seconds such as 5 or 19440110.0`);
      const outputTokens = wholeOf(responseText);
      if (outputTokens === 0)
        return { kind: "dropped", at, why: "0 response tokens: the request failed when it was recorded" };
      if (!isTokenCount(outputTokens)) return notTokenCount("Response tokens", responseText);
      const promptTokens = wholeOf(requestText);
      if (!isTokenCount(promptTokens)) return notTokenCount("Request tokens", requestText);
      return { kind: "request", at, promptTokens, outputTokens, ...(session === "" ? {} : { session }) };
    },
  };
};

type Fields = [string, string, string, string];

const secondsMicros = (text: string): number | undefined =>
  /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * 1e6) : undefined;
