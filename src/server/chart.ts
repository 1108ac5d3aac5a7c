import { duration } from "./amount.ts";
import { html, Markup } from "./html.ts";

export interface Series {
  readonly name: string;
  readonly values: readonly number[];
  /** Steps where a value holds for its whole bucket. */
  readonly step?: boolean;
  /** Zero means that there was nothing to measure: the line is broken there. */
  readonly gaps?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly atSeconds: readonly number[];
  readonly bucketSeconds: number;
  /** At most two: more can't be told apart at this size. */
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
}

const WIDTH = 360;
const HEIGHT = 150;
const LEFT = 46;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

/** A line chart over simulated time as a figure with inline SVG; colours come from the style sheet. */
export const chart = ({ title, atSeconds, bucketSeconds, series, format }: Chart): Markup => {
  const end = (atSeconds.at(-1) ?? 0) + bucketSeconds;
  const top = niceCeiling(Math.max(0, ...series.flatMap(({ values }) => values)));
  const x = (seconds: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * seconds) / end;
  const y = (value: number): number => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top;
  const told = series.map(
    ({ name, values }) => `${name}: last ${format(values.at(-1) ?? 0)}, highest ${format(Math.max(0, ...values))}`,
  );
  return html`<figure>
<figcaption><span>${title}</span>${series.map((one, i) => html`<span class="key s${i}">${one.name}</span>`)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title} over simulated time. ${told.join("; ")}">
${[0, 0.5, 1].map((share) => gridLine(y(top * share), format(top * share)))}
${timeTicks(end).map((seconds) => timeTick(x(seconds), seconds, end))}
${series.map((one, i) => html`<path class="line s${i}" d="${pathOf(one, atSeconds, bucketSeconds, x, y)}"/>`).reverse()}
</svg></figure>`;
};

const gridLine = (y: number, text: string): Markup =>
  html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y)}" y2="${fixed(y)}"/><text x="${LEFT - 5}" y="${fixed(y + 3.5)}" text-anchor="end">${text}</text>`;

const timeTick = (x: number, seconds: number, end: number): Markup => {
  const anchor = seconds === 0 ? "start" : x > WIDTH - RIGHT - 14 ? "end" : "middle";
  const text = seconds === 0 ? "0" : duration(seconds);
  return html`<text x="${fixed(x)}" y="${HEIGHT - 5}" text-anchor="${anchor}">${end === 0 ? "" : text}</text>`;
};

const pathOf = (
  { values, step = false, gaps = false }: Series,
  atSeconds: readonly number[],
  bucketSeconds: number,
  x: (seconds: number) => number,
  y: (value: number) => number,
): string => {
  let path = "";
  let drawing = false;
  values.forEach((value, i) => {
    const at = atSeconds[i] ?? 0;
    if (gaps && value === 0) {
      drawing = false;
      return;
    }
    const pen = drawing ? "L" : "M";
    drawing = true;
    path += step
      ? `${pen}${fixed(x(at))} ${fixed(y(value))}H${fixed(x(at + bucketSeconds))}`
      : `${pen}${fixed(x(at + bucketSeconds / 2))} ${fixed(y(value))}${gaps ? "h.01" : ""}`;
  });
  return path;
};

/** @returns the least of 1, 2, 4, 6, 8, 10 times a power of ten that is not below `value`: it and its half are readable */
const niceCeiling = (value: number): number => {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (([1, 2, 4, 6, 8, 10] as const).find((factor) => factor * power >= value * (1 - 1e-9)) ?? 10);
};

/** Seconds between marks of time: round ones. */
export const TIME_STEPS = [1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Three to five of them, on round times. */
const timeTicks = (end: number): number[] => {
  const step = TIME_STEPS.find((length) => end / length <= 4) ?? Math.ceil(end / 4 / 86_400) * 86_400;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
};

const fixed = (value: number): string => String(Math.round(value * 10) / 10);
