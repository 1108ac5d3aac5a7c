import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type uPlot from "uplot";
import type { Series } from "../../env/prometheus.ts";
import { unitOf } from "./units.ts";

/** What Prometheus answered to one query of a panel, and how its lines are named. */
export interface Answer {
  readonly legend: string;
  readonly series: readonly Series[];
}

/** One panel's plot, as plain data that a browser can be handed. */
export interface Plot {
  readonly options: uPlot.Options;
  readonly data: uPlot.AlignedData;
  readonly legend: readonly { readonly name: string; readonly colour: string; readonly last: string }[];
}

interface Range {
  /** Unix seconds, both ends drawn. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Told apart on white. */
export const COLOURS = [
  "#1f6fd1",
  "#c2560c",
  "#1d8348",
  "#7a3fc2",
  "#8a6d00",
  "#c2327a",
  "#0f7f8c",
  "#6b4f3a",
  "#53606e",
  "#a11d1d",
];
const SOFT = "#5b6472";
const EDGE = "#dfe3e8";
/** Pixels. */
const LEFT = 68;

/** How one line is drawn. */
interface Style {
  readonly dash: number[] | undefined;
  readonly width: number;
  readonly hidden: boolean;
  /** Name of the line down to which it is shaded. */
  readonly fillBelowTo: string | undefined;
  readonly opacity: number;
}

/** A panel as its JSON says: its lines, dashes and bands. @throws where the JSON says what no picture can show */
export const plotOf = (panel: Panel, answers: readonly Answer[], range: Range, size: Size): Plot => {
  const format = unitOf(String(panel.fieldConfig?.defaults.unit));
  const times = Array.from(
    { length: Math.floor((range.to - range.from) / range.step) + 1 },
    (_, i) => range.from + i * range.step,
  );
  const lines = answers.flatMap(({ legend, series }) =>
    series.map((one) => ({ name: named(legend, one.metric), values: valuesAt(times, one) })),
  );
  const styles = lines.map(({ name }) => styleOf(panel, name));
  const colours = coloursOf(styles);
  const [low, high] = reach(lines.flatMap(({ values }) => values));
  const ticks = ticksOf(low, high);
  return {
    options: {
      ...size,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: [range.from, range.to] },
        y: { range: [ticks[0] as number, ticks.at(-1) as number] },
      },
      axes: [
        { ...axis, size: 24, ...clock(range) },
        { ...axis, size: LEFT, splits: ticks, values: ticks.map(format) },
      ],
      series: [
        {},
        ...styles.map((style, i) => ({
          stroke: colours[i] as string,
          width: style.width,
          points: { show: false },
          ...(style.dash !== undefined && { dash: style.dash }),
        })),
      ],
      bands: styles.flatMap(({ fillBelowTo, opacity }, i): uPlot.Band[] => {
        const low = lines.findIndex(({ name }) => name === fillBelowTo);
        if (low < 0) return [];
        return [{ series: [i + 1, low + 1], fill: `${colours[i]}${opacityHex(opacity)}` }];
      }),
    },
    data: [times, ...lines.map(({ values }) => values)],
    legend: lines.flatMap(({ name, values }, i) => {
      if (styles[i]?.hidden === true) return [];
      const last = values.findLast((value) => value !== null);
      return [{ name, colour: colours[i] as string, last: typeof last === "number" ? format(last) : "no data" }];
    }),
  };
};

type Size = Pick<uPlot.Options, "width" | "height">;

const axis = { stroke: SOFT, font: "11px sans-serif", grid: { stroke: EDGE, width: 1 }, ticks: { show: false } };

/** `{{scenario}} p99` with labels in place. */
export const named = (legend: string, labels: Readonly<Record<string, string>>): string =>
  legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? "").trim();

const valuesAt = (times: readonly number[], { values }: Series): (number | null)[] => {
  const known = new Map(values.map(({ time, value }) => [time, value]));
  return times.map((time) => {
    const value = known.get(time);
    return value === undefined || !Number.isFinite(value) ? null : value;
  });
};

const styleOf = ({ fieldConfig }: Panel, name: string): Style => {
  const style = { dash: undefined, width: 1.5, hidden: false, fillBelowTo: undefined, opacity: 0 } as {
    -readonly [K in keyof Style]: Style[K];
  };
  for (const { matcher, properties } of fieldConfig?.overrides ?? []) {
    if (!matches(matcher, name)) continue;
    for (const { id, value } of properties) {
      if (id === "custom.lineStyle") style.dash = (value as { dash: number[] }).dash;
      else if (id === "custom.lineWidth") style.width = Number(value);
      else if (id === "custom.hideFrom") style.hidden = (value as { legend: boolean }).legend;
      else if (id === "custom.fillBelowTo") style.fillBelowTo = String(value);
      else if (id === "custom.fillOpacity") style.opacity = Number(value);
      else throw new Error(`no picture can show ${id}`);
    }
  }
  return style;
};

const matches = (matcher: { readonly id: string; readonly options?: unknown }, name: string): boolean => {
  if (matcher.id === "byName") return matcher.options === name;
  const [, pattern] = /^\/(.*)\/$/.exec(String(matcher.options)) ?? [];
  if (matcher.id !== "byRegexp" || pattern === undefined) throw new Error(`no picture knows the matcher ${matcher.id}`);
  return new RegExp(pattern).test(name);
};

/** One after the other; a line of a band that isn't told in the legend takes none. */
const coloursOf = (styles: readonly Style[]): readonly string[] => {
  let next = 0;
  return styles.map(({ hidden }) => (COLOURS[(hidden ? next : next++) % COLOURS.length] as string) ?? SOFT);
};

const opacityHex = (percent: number): string =>
  Math.round((percent / 100) * 255)
    .toString(16)
    .padStart(2, "0");

/** From 0, unless something is below it. */
const reach = (values: readonly (number | null)[]): readonly [low: number, high: number] => {
  const told = values.filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...told), Math.max(0, ...told)];
  return low === high ? [0, 1] : [low, high];
};

/** Four to eight round ones that reach around both. */
const ticksOf = (low: number, high: number): number[] => {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) as number);
  const first = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - first + 1 }, (_, i) => (first + i) * step);
};

/** Minutes since the left edge: when the picture was made says nothing. */
const clock = ({ from, to }: Range) => {
  const step = [60, 120, 300, 600, 1200, 1800].find((length) => (to - from) / length <= 7) ?? 3600;
  const splits = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
  return { splits, values: splits.map((at) => `${(at - from) / 60} min`) };
};
