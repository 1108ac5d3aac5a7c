import * as z from "zod";
import type { Endpoint } from "../model/endpoint.ts";

/** Parameters of `context-length-aware`, which is scorer and filter in one (llm-d-router v0.9). */
export const contextLengthParams = () =>
  z.object({
    label: z
      .string()
      .min(1)
      .default("llm-d.ai/context-length-range")
      .meta({ description: "Label of the pod: `min-max`, in prompt tokens." }),
    enableFiltering: z.boolean().default(false).meta({ description: "Whether endpoints out of range are dropped." }),
  });

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** @returns how to read an endpoint's range; each text is read once */
export const rangesOf = (label: string): ((endpoint: Endpoint) => Range | "none" | "bad") => {
  const read = new Map<string, Range | "bad">();
  return ({ labels }) => {
    const text = labels[label];
    if (text === undefined) return "none";
    const known = read.get(text);
    if (known !== undefined) return known;
    const range = parseRange(text);
    read.set(text, range);
    return range;
  };
};

const parseRange = (text: string): Range | "bad" => {
  const match = /^\s*([+]?\d+)\s*-\s*([+]?\d+)\s*$/.exec(text);
  if (match === null) return "bad";
  const [least, most] = [Number(match[1]), Number(match[2])];
  return least > most ? "bad" : { least, most };
};
