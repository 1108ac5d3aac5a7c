import type { Format } from "./exposition.ts";

/**
 * The format that an Accept header asks for: OpenMetrics where it is named in a version that is written here and not liked less than
 * plain text; else the text format, which everybody reads.
 * Source: RFC 9110, 12.5.1; the header that Prometheus 3 sends.
 */
export const negotiate = (accept: string | undefined): Format => {
  const ranges = (accept ?? "").split(",").map(rangeOf);
  const open = best(
    ranges.filter(({ type, version }) => type === "application/openmetrics-text" && OPENMETRICS.includes(version)),
  );
  const text = best(ranges.filter(({ type, version }) => type === "text/plain" && TEXT.includes(version)));
  return open > 0 && open >= text ? "openmetrics" : "text";
};

const OPENMETRICS: readonly (string | undefined)[] = ["1.0.0", "0.0.1", undefined];
const TEXT: readonly (string | undefined)[] = ["0.0.4", undefined];

interface MediaRange {
  readonly type: string;
  readonly version: string | undefined;
  readonly quality: number;
}

const rangeOf = (text: string): MediaRange => {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const read = (name: string): string | undefined =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll('"', "");
  const quality = Number(read("q") ?? "1");
  return { type, version: read("version"), quality: Number.isFinite(quality) ? quality : 0 };
};

const best = (ranges: readonly MediaRange[]): number => Math.max(0, ...ranges.map(({ quality }) => quality));
