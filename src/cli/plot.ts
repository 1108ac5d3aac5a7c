import { plot } from "simple-ascii-chart";
import type { Timeline, TimelineColumn } from "../report/report.ts";
import { number } from "./formats/figure.ts";

/** Hours, value. */
export type Point = [number, number];

const WIDTH = 72;

/** The course of a column: hours and values, few enough to be drawn. */
export const pointsOf = ({ atSeconds, columns }: Timeline, column: TimelineColumn): Point[] =>
  thinned(atSeconds.map((at, i): Point => [at / 3600, columns[column][i] ?? 0]));

/** A line over simulated hours for a terminal. @param most top of the scale; left out: the highest point */
export const plotted = (title: string, points: Point[], most?: number): string => {
  const last = points.at(-1)?.[0] ?? 0;
  const ticks = [0, last / 4, last / 2, (3 * last) / 4, last].map((tick) => nearest(points, tick));
  const top = most ?? Math.max(...points.map(([, y]) => y));
  const text = plot(points, {
    width: WIDTH,
    height: 8,
    title,
    xLabel: "hours",
    yRange: [0, top === 0 ? 1 : top],
    customXAxisTicks: [...new Set(ticks)],
    formatter: (value, { axis }) => (axis === "x" ? Math.round(value * 10) / 10 : number(value)),
  });
  return `${text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim()}\n`;
};

/** The largest of each stretch, so that a spike is never lost to drawing. */
const thinned = (points: readonly Point[]): Point[] => {
  const per = Math.max(1, Math.ceil(points.length / WIDTH));
  const stretches = Array.from({ length: Math.ceil(points.length / per) }, (_, i) =>
    points.slice(i * per, (i + 1) * per),
  );
  return stretches.map((stretch) => [stretch[0]?.[0] ?? 0, Math.max(...stretch.map(([, y]) => y))]);
};

const nearest = (points: readonly Point[], x: number): number =>
  points.reduce((best, [at]) => (Math.abs(at - x) < Math.abs(best - x) ? at : best), points[0]?.[0] ?? 0);
