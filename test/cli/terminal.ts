import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";

/** What passes for standard error: a terminal of 160 by 24, or a pipe. `text` is what has come since it was last asked for, without control characters. */
export const fakeStream = (isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } => {
  const through = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY, rows: 24, columns: 160 });
  return {
    stream: through as unknown as NodeJS.WriteStream,
    text: () => stripVTControlCharacters(String(through.read() ?? "")),
  };
};

/** A live area is drawn ten times a second. */
export const redrawn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));
