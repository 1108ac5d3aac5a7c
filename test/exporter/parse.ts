/** A reader of both formats, written from their specifications and sharing nothing with the writer. */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** As it is spelled. */
  readonly text: string;
}

const SUFFIXES: Record<string, readonly string[]> = {
  counter: ["_total", "_created"],
  gauge: [""],
  histogram: ["_bucket", "_count", "_sum", "_created"],
};

/** @throws on whatever the specification forbids and this checks: see the messages */
export const parse = (text: string, format: "text" | "openmetrics"): ParsedFamily[] => {
  const must = (holds: boolean, message: string): void => {
    if (!holds) throw new Error(message);
  };
  must(text.endsWith("\n"), "the last line must end");
  const lines = text.slice(0, -1).split("\n");
  if (format === "openmetrics") must(lines.pop() === "# EOF", "the last line must be # EOF");
  const families: { name: string; type: string; help: string; samples: ParsedSample[] }[] = [];
  const seen = new Set<string>();
  for (const line of lines) {
    const [, about, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (about === "HELP") {
      must(!families.some((family) => family.name === name), `${name} comes twice`);
      families.push({ name, type: "", help: unescape(rest), samples: [] });
      continue;
    }
    const family = families.at(-1);
    if (family === undefined) throw new Error(`a sample without a family: ${line}`);
    if (about === "TYPE") {
      must(family.name === name && family.type === "" && family.samples.length === 0, `TYPE of ${name} out of place`);
      family.type = rest;
      continue;
    }
    const sample = sampleOf(line);
    const suffix = format === "text" && family.type === "counter" ? [""] : (SUFFIXES[family.type] ?? []);
    must(
      suffix.some((one) => sample.name === family.name + one),
      `${sample.name} under ${family.type} ${family.name}`,
    );
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    must(!seen.has(key), `${line} comes twice`);
    seen.add(key);
    family.samples.push(sample);
  }
  for (const family of families.filter(({ type }) => type === "histogram")) checkHistogram(family, must);
  return families;
};

const sampleOf = (line: string): ParsedSample => {
  const [, name = "", braces = "", text = ""] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === "") throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = braces;
  while (rest !== "") {
    const [all, label = "", value = ""] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(?:,|$)/.exec(rest) ?? [];
    if (all === undefined) throw new Error(`labels of ${line} at ${rest}`);
    if (label in labels) throw new Error(`label ${label} twice in ${line}`);
    labels[label] = unescape(value);
    rest = rest.slice(all.length);
  }
  return { name, labels, text, value: valueOf(text, line) };
};

const valueOf = (text: string, line: string): number => {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  if (text === "NaN") return Number.NaN;
  if (!/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) throw new Error(`value of ${line}`);
  return Number(text);
};

const unescape = (text: string): string =>
  text.replace(/\\([\\n"])/g, (_, character: string) => (character === "n" ? "\n" : character));

const checkHistogram = ({ name, samples }: ParsedFamily, must: (holds: boolean, message: string) => void): void => {
  const bySeries = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    bySeries.set(key, [...(bySeries.get(key) ?? []), sample]);
  }
  for (const series of bySeries.values()) {
    const buckets = series.filter((sample) => sample.name.endsWith("_bucket"));
    const bounds = buckets.map(({ labels }) => valueOf(labels.le ?? "", name));
    must(
      bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] as number)),
      `bounds of ${name} must rise`,
    );
    must(
      buckets.every(({ value }, i) => i === 0 || value >= (buckets[i - 1]?.value as number)),
      `buckets of ${name} must be cumulative`,
    );
    must(bounds.at(-1) === Number.POSITIVE_INFINITY, `${name} needs a bucket +Inf`);
    must(
      series.find((sample) => sample.name.endsWith("_count"))?.value === buckets.at(-1)?.value,
      `count of ${name} must equal its bucket +Inf`,
    );
    must(series.filter((sample) => sample.name.endsWith("_sum")).length === 1, `${name} needs a sum`);
  }
};
