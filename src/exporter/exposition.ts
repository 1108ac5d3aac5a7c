import type { HistogramValue, MetricFamily, MetricSample } from "../model/metric-family.ts";
import { floatText } from "./float-text.ts";
import type { History } from "./history.ts";

/** `text`: Prometheus text format 0.0.4. `openmetrics`: OpenMetrics 1.0.0. */
export type Format = "text" | "openmetrics";

export const CONTENT_TYPE: Record<Format, string> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Characters after which whoever else waits for the event loop gets a turn. */
const CHUNK = 64 * 1024;

/**
 * Writes families as prometheus_client does, in pieces, giving way to others between them: a scrape of 50 000 series
 * blocks nobody for long. Families come by the way, so that they need not all be held at once.
 *
 * @param families each name once; samples of one labelset stand together
 */
export async function* expose(families: Iterable<MetricFamily>, format: Format): AsyncGenerator<string> {
  let chunk = "";
  for (const family of families) {
    chunk += head(family, format);
    for (const sample of family.samples) {
      chunk += sampleLines(family, sample, format);
      if (chunk.length < CHUNK) continue;
      yield chunk;
      chunk = "";
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  if (format === "openmetrics") chunk += "# EOF\n";
  if (chunk !== "") yield chunk;
}

/**
 * Writes what was recorded over time as one page of OpenMetrics, each value with its instant: what `promtool tsdb
 * create-blocks-from openmetrics` makes blocks of. Without `_created`, which would be further series there.
 */
export function* exposeHistory(history: History): Generator<string> {
  for (const family of history.families()) {
    yield head(family, "openmetrics");
    for (const { labels, points } of family.series) {
      const text = labelText(labels);
      for (const { atMillis, value } of points)
        yield valueLines(family, text, value, ` ${(atMillis / 1000).toFixed(3)}`);
    }
  }
  yield "# EOF\n";
}

/** In the text format the lines above a counter bear its sample's name, in OpenMetrics its family's. */
const head = ({ name, type, help }: Omit<MetricFamily, "samples">, format: Format): string => {
  const named = type === "counter" && format === "text" ? `${name}_total` : name;
  return `# HELP ${named} ${escapedHelp(help, format)}\n# TYPE ${named} ${type}\n`;
};

const sampleLines = (family: MetricFamily, { labels, value, createdSeconds }: MetricSample, format: Format): string => {
  const text = labelText(labels);
  const lines = valueLines(family, text, value);
  return format === "openmetrics" && family.type !== "gauge" && createdSeconds !== undefined
    ? `${lines}${family.name}_created${braced(text)} ${floatText(createdSeconds)}\n`
    : lines;
};

/** @param at what follows a value: nothing, or a blank and its instant */
const valueLines = (
  { name, type }: Pick<MetricFamily, "name" | "type">,
  labels: string,
  value: MetricSample["value"],
  at = "",
): string =>
  typeof value === "number"
    ? `${name}${type === "counter" ? "_total" : ""}${braced(labels)} ${floatText(value)}${at}\n`
    : histogramLines(name, labels, value, at);

const histogramLines = (name: string, labels: string, { bounds, counts, sum }: HistogramValue, at: string): string => {
  const before = `${name}_bucket{${labels}${labels === "" ? "" : ","}le="`;
  let lines = "";
  let below = 0;
  boundTexts(bounds).forEach((bound, i) => {
    below += counts[i] ?? 0;
    lines += `${before}${bound}"} ${floatText(below)}${at}\n`;
  });
  return `${lines}${name}_count${braced(labels)} ${floatText(below)}${at}\n${name}_sum${braced(labels)} ${floatText(sum)}${at}\n`;
};

/** Bounds are spelled once for each page's thousands of series that share them. */
const spelled = new WeakMap<readonly number[], readonly string[]>();

const boundTexts = (bounds: readonly number[]): readonly string[] => {
  let texts = spelled.get(bounds);
  if (texts === undefined) {
    texts = [...bounds, Number.POSITIVE_INFINITY].map(floatText);
    spelled.set(bounds, texts);
  }
  return texts;
};

const braced = (labels: string): string => (labels === "" ? "" : `{${labels}}`);

const labelText = (labels: Readonly<Record<string, string>>): string => {
  let text = "";
  for (const name in labels) text += `${text === "" ? "" : ","}${name}="${escapedValue(labels[name] as string)}"`;
  return text;
};

const escapedValue = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"') : value;

const escapedHelp = (help: string, format: Format): string => {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? escaped.replaceAll('"', '\\"') : escaped;
};
